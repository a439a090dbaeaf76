CREATE TYPE ship_state AS ENUM ('new', 'packed', 'sent');
CREATE DOMAIN plain AS text;
CREATE DOMAIN pos AS int CONSTRAINT pos_ok CHECK (VALUE > 0);
CREATE SEQUENCE tickets;
CREATE SCHEMA billing;
CREATE FUNCTION tenant() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.tenant', true) $$;
CREATE FUNCTION short_id() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT md5(random()::text) $$;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT n * 2 $$;
CREATE TABLE accounts (
  id int PRIMARY KEY, email varchar(80), name text, phone varchar(20), country char(2), balance numeric(10,2),
  joined timestamp, seen timestamptz(3), last_at timestamptz, wake time(3), net cidr, host inet, flags varbit(8),
  payload json, doc jsonb, tier smallint, legacy text DEFAULT 'x', note text NOT NULL, rank pos, code plain,
  "Full Name" text);
INSERT INTO accounts SELECT g, 'u' || g, 'n', '5' || g, 'NO', g, now(), now(), now(), '10:00', '10.0.0.0/8', '10.0.0.1',
  B'101', '{}', '{}', 1, 'x', 'n', 1, 'c', 'N ' || g FROM generate_series(1, 2000) g;
CREATE TABLE invoices (
  id int PRIMARY KEY, account_id int NOT NULL, cents int NOT NULL CONSTRAINT cents_ok CHECK (cents >= 0),
  placed timestamptz, ref varchar(32), status text, qty int NOT NULL DEFAULT 1, paid boolean, memo text);
INSERT INTO invoices SELECT g, g, g, now(), 'r' || g, 'open', 1, true, 'm' FROM generate_series(1, 2000) g;
CREATE INDEX invoices_ref_idx ON invoices (ref);
CREATE INDEX invoices_status_idx ON invoices (status);
CREATE TABLE payments (
  id int PRIMARY KEY, invoice_id int, amount numeric(10,2), during int4range, room int, uid uuid, big bigint);
INSERT INTO payments SELECT g, g, g, int4range(g, g + 1), g, NULL, g FROM generate_series(1, 2000) g;
CREATE TABLE shipments (
  id int PRIMARY KEY, state ship_state NOT NULL DEFAULT 'new', invoice_id int CONSTRAINT ship_fk REFERENCES invoices (id),
  carrier text);
INSERT INTO shipments SELECT g, 'new', g, 'ups' FROM generate_series(1, 2000) g;
CREATE TABLE log (id bigint NOT NULL, at timestamptz, what text, who int);
INSERT INTO log SELECT g, now(), 'w', g FROM generate_series(1, 2000) g;
CREATE TABLE readings (day date NOT NULL, sensor int NOT NULL, v float8) PARTITION BY RANGE (day);
CREATE TABLE readings_2024 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE readings_2025 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO readings SELECT date '2024-01-01' + g % 700, g, 1 FROM generate_series(1, 2000) g;
CREATE TABLE readings_2026 (day date NOT NULL, sensor int NOT NULL, v float8);
INSERT INTO readings_2026 SELECT date '2026-01-01' + g % 300, g, 1 FROM generate_series(1, 2000) g;
CREATE TABLE hits (region text NOT NULL, n int) PARTITION BY LIST (region);
CREATE TABLE hits_eu PARTITION OF hits FOR VALUES IN ('eu');
CREATE TABLE hits_rest PARTITION OF hits DEFAULT;
INSERT INTO hits SELECT CASE g % 2 WHEN 0 THEN 'eu' ELSE 'as' END, g FROM generate_series(1, 2000) g;
CREATE TABLE hits_us (region text NOT NULL, n int);
INSERT INTO hits_us SELECT 'us', g FROM generate_series(1, 2000) g;
CREATE TABLE sessions (id int PRIMARY KEY, token text, data text);
INSERT INTO sessions SELECT g, 't' || g, 'd' FROM generate_series(1, 2000) g;
CREATE TABLE "Order" (id int PRIMARY KEY, "Total" int, memo text);
INSERT INTO "Order" SELECT g, g, 'm' FROM generate_series(1, 2000) g;
CREATE TABLE billing.cards (id int PRIMARY KEY, holder text, account_id int);
INSERT INTO billing.cards SELECT g, 'h', g FROM generate_series(1, 2000) g;
CREATE MATERIALIZED VIEW daily AS SELECT placed::date AS d, sum(cents) AS s FROM invoices GROUP BY 1;
CREATE MATERIALIZED VIEW by_id AS SELECT id, cents FROM invoices;
CREATE UNIQUE INDEX by_id_key ON by_id (id);
CREATE VIEW open_invoices AS SELECT id, account_id FROM invoices WHERE status = 'open';
CREATE VIEW names AS SELECT id, name FROM accounts;
ANALYZE;

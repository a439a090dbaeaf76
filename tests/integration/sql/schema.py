"""A schema with one of everything that a statement can lock, and rows in it."""

SCHEMA = """
create table parent (id int primary key, n int);
create table other (id int primary key, pid int);
create table child (
  id int primary key, pid int references parent, v text, w int not null default 0, s varchar(10),
  constraint w_check check (w >= 0) not valid
);
create table keyed (id int primary key);
create table keyed_ref (id int references keyed);
create index child_v on child (v);
create table part (d int not null, x int, fk int references parent) partition by range (d);
create table part1 partition of part for values from (0) to (10);
create table part2 partition of part for values from (10) to (20);
create table pdef partition of part default;
create table plain (d int not null, x int) partition by range (d);
create table plain1 partition of plain for values from (0) to (10);
create table loose (d int not null, x int, fk int);
create index part_x on only part (x);
create index part1_x on part1 (x);
create index part_d on part (d);
create table inh (a int);
create table inh_child () inherits (inh);
create table inh_loose (a int);
create materialized view mv as select id from parent;
create unique index mv_id on mv (id);
create view vw as select id from parent;
create sequence sq;
create statistics st on id, pid from child;
create function tf() returns trigger language plpgsql as 'begin return new; end';
create trigger tr before insert on child for each row execute function tf();
create policy po on child;
create rule ru as on delete to other do instead nothing;
create domain dom as int;
create table uses_dom (a dom);
create type comp as (a int);
create table typed of comp;
create publication pub for table other;
create schema sc;
insert into parent select g, g from generate_series(1, 100) g;
insert into child select g, g, 'x', 1, 's' from generate_series(1, 100) g;
insert into part select g, g, null from generate_series(0, 25) g;
insert into loose select g, g, null from generate_series(50, 59) g;
insert into plain select g, g from generate_series(0, 9) g;
"""

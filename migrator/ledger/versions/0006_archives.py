"""Archives of whole tables, and what is lost together with a column or a table.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE migrator.archives
    ADD COLUMN kind        text NOT NULL DEFAULT 'column' CHECK (kind IN ('column', 'table', 'rows')),
    ADD COLUMN definitions jsonb NOT NULL DEFAULT '[]';
COMMENT ON TABLE migrator.archives IS
    'What contract removed. name is a table in schema migrator_archive, kept until migrator purge: a column with its '
    'key, a whole table (column_name is empty), or rows. definitions are what depended on it, to be made again.';

ALTER TABLE migrator.applications
    DROP CONSTRAINT applications_direction_check,
    ADD CONSTRAINT applications_direction_check CHECK (direction IN ('upgrade', 'downgrade', 'restore'));
COMMENT ON TABLE migrator.applications IS
    'One upgrade or downgrade of one Alembic revision, or one statement that restores what contract removed. An open '
    'one with journal entries is half applied.';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("ALTER TABLE migrator.archives DROP COLUMN kind, DROP COLUMN definitions")
    op.execute(
        "ALTER TABLE migrator.applications DROP CONSTRAINT applications_direction_check, "
        "ADD CONSTRAINT applications_direction_check CHECK (direction IN ('upgrade', 'downgrade')) NOT VALID"
    )

"""Types are archived too.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE migrator.archives
    DROP CONSTRAINT archives_kind_check,
    ADD CONSTRAINT archives_kind_check CHECK (kind IN ('column', 'table', 'rows', 'type'));
COMMENT ON TABLE migrator.archives IS
    'What contract removed. name is a table or a type in schema migrator_archive, kept until migrator purge: a column '
    'with its key, a whole table or a type (column_name is empty), or rows. definitions are what depended on it, to be '
    'made again.';
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute(
        "ALTER TABLE migrator.archives DROP CONSTRAINT archives_kind_check, "
        "ADD CONSTRAINT archives_kind_check CHECK (kind IN ('column', 'table', 'rows')) NOT VALID"
    )

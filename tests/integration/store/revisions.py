"""A program that is one revision ahead of this one: its migrations are this one's and a folder with the next."""

from __future__ import annotations

import shutil
from pathlib import Path

from proxy.store.migrate import OURS, Revisions

NEXT = "9999"
_HEADER = '''
"""The next one."""

import sqlalchemy as sa
from alembic import op

revision = "{next}"
down_revision = "{head}"
branch_labels = None
depends_on = None
'''
# `keys` is made anew on SQLite, and `key_secrets` refers to it.
GROWING = """
def upgrade() -> None:
    op.create_table("notes", sa.Column("text", sa.Text, nullable=False))
    with op.batch_alter_table("keys") as table:
        table.add_column(sa.Column("colour", sa.String(16), nullable=False, server_default="red"))
        table.alter_column("owner", existing_type=sa.String(256), existing_nullable=False, type_=sa.String(300))


def downgrade() -> None:
    with op.batch_alter_table("keys") as table:
        table.alter_column("owner", existing_type=sa.String(300), existing_nullable=False, type_=sa.String(256))
        table.drop_column("colour")
    op.drop_table("notes")
"""
FAILING = """
def upgrade() -> None:
    op.create_table("notes", sa.Column("text", sa.Text, nullable=False))
    raise LookupError("half way")
"""


def next_revisions(folder: Path, step: str = GROWING) -> Revisions:
    """Write the migrations of the next program into a folder and return what it knows."""
    copied = folder / "migrations"
    shutil.copytree(OURS.folder, copied, ignore=shutil.ignore_patterns("__pycache__"))
    header = _HEADER.strip().format(next=NEXT, head=OURS.head)
    (copied / "versions" / "r9999_next.py").write_text(f"{header}\n\n{step}")
    return Revisions((*OURS.names, NEXT), copied)

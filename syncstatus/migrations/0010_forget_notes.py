"""What we left of a patient is noted in `left`, as of any other record; nothing reads or writes `notes` any more.

The column stays until a later release drops it: a worker of the release before asks for it in every statement. It is
filled by the database, see 0009.
"""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("syncstatus", "0009_database_defaults")]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("link", "notes")])
    ]

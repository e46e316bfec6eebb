"""Give every type that is there its place, in the order in which they came, and let policies count what failed so far."""

from django.db import migrations
from django.db.models import F


def give_places(apps, schema_editor):
    ErrorType = apps.get_model('errors', 'ErrorType')
    placed = ErrorType.objects.exclude(place=None).order_by('place')
    last = dict(placed.values_list('tenant', 'place'))
    for kind in ErrorType.objects.filter(place=None).order_by('pk'):
        place = last.get(kind.tenant_id, 0) + 1
        last[kind.tenant_id] = kind.place = place
        kind.save(update_fields=['place'])


def count_failures(apps, schema_editor):
    ErrorRecord = apps.get_model('errors', 'ErrorRecord')
    ErrorRecord.objects.filter(state='retrying', failed_in_a_row=0).update(failed_in_a_row=F('attempts'))


def reopen(apps, schema_editor):
    """The release before knows no closed records: back they go to waiting for a person."""
    ErrorRecord = apps.get_model('errors', 'ErrorRecord')
    ErrorRecord.objects.filter(state='closed').update(state='held')


class Migration(migrations.Migration):

    dependencies = [
        ('errors', '0002_error_types_in_order'),
    ]

    operations = [
        migrations.RunPython(give_places, migrations.RunPython.noop),
        migrations.RunPython(count_failures, reopen),
    ]

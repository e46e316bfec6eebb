"""What stands on the other side and is in the way: changed, voided, moved or doubled there."""

from __future__ import annotations

from collections.abc import Mapping

from errors.specs import Move, Sentence

SENTENCES: Mapping[str, Sentence] = {
    "bahmni.completed-before": Sentence(
        cause="The visit was handed over when it was completed; in Avni it is now planned or cancelled.",
        remedy="If it did not take place, void its encounter in Bahmni and ignore this with a reason. Otherwise "
        "complete it again in Avni: it is then handed over.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.visit-gone": Sentence(
        cause="The visit in Bahmni that holds this record, or should hold it, is voided or not there any more.",
        remedy="Un-void it in Bahmni, then retry.",
        offers=(Move.TARGET,),
    ),
    "bahmni.encounter-shared": Sentence(
        cause="The record was voided in Avni, but its encounter in Bahmni holds more than came from there.",
        remedy="Have it moved to another encounter in Bahmni, or void the encounter there; then retry.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.multiple-encounters": Sentence(
        cause="The patient has several encounters in Bahmni that stand for this record.",
        remedy="Void all but one of them in Bahmni, then retry.",
        offers=(Move.SAME, Move.TARGET),
    ),
    "bahmni.made-enrolment-voided": Sentence(
        cause="The enrolment that was made for encounters of the hospital was voided in Avni by a person, and there is "
        "no other in that program.",
        remedy="Un-void it, or enrol the subject anew in Avni, then retry. If the subject does not belong in the "
        "program, ignore this with a reason.",
        offers=(Move.TARGET,),
    ),
    "bahmni.encounter-in-other-program": Sentence(
        cause="Avni holds this encounter in another program than its form is mapped to now, and it was written there "
        "by another service.",
        remedy="Move it in Avni, or map the form to that program again, then retry.",
        offers=(Move.TARGET,),
    ),
    "bahmni.answers-cannot-be-kept": Sentence(
        cause="Somebody gave answers of a place or a question group in the program encounter that stands for this in "
        "Avni. They would be lost, because Avni lets a program encounter only be replaced as a whole.",
        remedy="Take those answers out of the program encounter in Avni, or enter them elsewhere, then retry.",
        offers=(Move.TARGET,),
    ),
    "bahmni.cancelled-by-the-field-team": Sentence(
        cause="Somebody cancelled the program encounter that stands for this in Avni. It cannot be cancelled and hold "
        "what the hospital says of it.",
        remedy="Undo the cancellation in Avni if the encounter took place, then retry. Else void it in Bahmni.",
        offers=(Move.TARGET,),
    ),
    "bahmni.multiple-visits": Sentence(
        cause="The patient has several visits in Bahmni that were opened for this record.",
        remedy="Void all but one of them in Bahmni, then retry.",
        offers=(Move.SAME,),
    ),
    "bahmni.multiple-registrations": Sentence(
        cause="Avni holds several registration encounters for this patient.",
        remedy="Void all but one of them in Avni, then retry.",
    ),
    "bahmni.multiple-encounters-for-form": Sentence(
        cause='Avni holds several un-voided encounters "{form}" for this encounter.',
        remedy="Void all but one of them in Avni, then retry.",
    ),
    "bahmni.encounter-elsewhere": Sentence(
        cause="Avni holds this encounter at another subject than the one its patient is registered for.",
        remedy="Find out whose encounter it is, correct it on one side, then retry.",
        error_type="SubjectIdChanged",
        offers=(Move.TARGET,),
    ),
    "bahmni.registration-gone": Sentence(
        cause="What was handed over before is not there any more, or no longer carries our marker.",
        remedy="Find out who removed it. Nothing is written until then.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.marker-missing": Sentence(
        cause="The registration encounter in Avni no longer carries the patient's uuid.",
        remedy="Somebody changed it by hand. Restore the uuid in Avni, then retry.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.changed-by-somebody": Sentence(
        cause="{who} changed what was handed over before: {questions}.",
        remedy="Decide which of both holds. Nothing is written over what a person changed until then.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
    "bahmni.target-voided": Sentence(
        cause="What was handed over before was voided on the other side by a person.",
        remedy="Un-void it there if that was a mistake, then retry; otherwise ignore with a reason.",
        offers=(Move.SOURCE, Move.TARGET),
    ),
}

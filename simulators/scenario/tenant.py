"""The declaration of the tenant that joins both servers: what `import_tenant` is given."""

from __future__ import annotations

from typing import Any

from simulators.scenario import design, forms, programs
from simulators.scenario.correspondence import Correspondence, hospital_answer, hospital_concept, truth
from simulators.scenario.ids import Ids

__all__ = ["declaration"]

Rows = list[dict[str, str]]


def declaration(
    ids: Ids, pairs: Correspondence, *, name: str, title: str, avni_url: str, bahmni_url: str, secret: str
) -> dict[str, Any]:
    """The tenant as plain YAML-able values. `secret` says where the password of both accounts is read from."""
    return {
        "name": name,
        "title": title,
        "connector": "bahmni",
        "namespace": ids("tenant", "namespace"),
        "zone": "Asia/Kolkata",
        "connections": {
            "avni": {
                "base_url": avni_url,
                "sign_in": "generate-token",
                "username": pairs.avni_user,
                "secret": secret,
                "zone": "Asia/Kolkata",
            },
            "bahmni": {
                "base_url": f"{bahmni_url}/openmrs",
                "sign_in": "session",
                "username": "avni-integration",
                "secret": secret,
                "zone": "Asia/Kolkata",
            },
        },
        "constants": {
            "BahmniIdentifierPrefix": pairs.prefix,
            "IntegrationBahmniProvider": pairs.hospital.provider,
            "IntegrationBahmniEncounterRole": pairs.hospital.role,
            "IntegrationBahmniLocation": pairs.hospital.location,
            "IntegrationBahmniIdentifierType": pairs.hospital.identifier_type,
            "IntegrationBahmniVisitType": pairs.hospital.visit_type,
            "IntegrationAvniSubjectType": pairs.subject_type,
        },
        "mappings": _mappings(ids, pairs),
        "ignored": _ignored(ids),
    }


def _mappings(ids: Ids, pairs: Correspondence) -> dict[str, dict[str, Rows]]:
    ours = pairs.hospital
    return {
        "PatientSubject": {
            "PatientIdentifier_Concept": [{"avni": design.NUMBER, "int": "Community Number"}],
            "Subject_EncounterType": [{"int": ours.encounter_type, "about": "Community Registration"}],
            "CommunityRegistration_BahmniForm": [{"int": ours.form, "about": design.FORM}],
            "PersonAttributeConcept": [
                {"avni": design.in_avni(one), "int": ids("bahmni", "attribute", one.name), "hint": one.kind}
                for one in design.ATTRIBUTES
            ],
        },
        "Common": {
            "AvniUUID_Concept": [{"int": ours.marker, "about": "Avni Entity UUID [Avni]"}],
            "AvniEventDate_Concept": [{"int": ours.event_date, "about": "Event Date [Avni]"}],
            "AvniProgramData_Concept": [{"int": ours.program_data, "about": "Program Data [Avni]"}],
            "BahmniUUID_Concept": [{"avni": "Bahmni Entity UUID [Bahmni]"}],
            "AvniUUID_VisitAttributeType": [{"int": ours.visit_marker, "about": "Avni Entity UUID [Avni]"}],
            "AvniEventDate_VisitAttributeType": [{"int": ours.visit_event_date, "about": "Event Date [Avni]"}],
        },
        "GeneralEncounter": {
            "CommunityEncounter_EncounterType": [
                {"avni": visit.name, "int": pairs.visits[visit.name].encounter_type, "about": visit.name}
                for visit in (*forms.VISITS, forms.VISIT_WITHOUT_FORM)
            ],
            "CommunityEncounter_BahmniForm": [
                {"avni": visit.name, "int": pairs.visits[visit.name].form, "about": forms.visit_form(visit)}
                for visit in (*forms.VISITS, forms.VISIT_WITHOUT_TYPE)
            ],
            "EncounterType": [
                {"avni": form.in_avni, "int": hospital_concept(ids, form.name), "about": form.name}
                for form in forms.HOSPITAL_FORMS
            ],
        },
        **_programs(ids, pairs),
        "Observation": {
            "Concept": [*_from_avni(ids), *_from_visits(ids), *_from_bahmni(ids), *_from_forms(ids)],
        },
    }


def _programs(ids: Ids, pairs: Correspondence) -> dict[str, dict[str, Rows]]:
    def rows(uuids: dict[str, str], event: str = "") -> Rows:
        return [{"avni": name, "int": uuid, "about": f"{name} {event}".strip()} for name, uuid in uuids.items()]

    filed, visits = pairs.programs.items(), pairs.program_visits.items()
    reviews = {form.name: hospital_concept(ids, form.name) for form in forms.HOSPITAL_PROGRAM_FORMS}
    return {
        "ProgramEnrolment": {
            "CommunityEnrolment_VisitType": rows({name: one.visit_type for name, one in filed}),
            "CommunityEnrolment_EncounterType": rows({name: one.enrolment.encounter_type for name, one in filed}),
            "CommunityEnrolment_BahmniForm": rows({name: one.enrolment.form for name, one in filed}, "Enrolment"),
            "CommunityEnrolmentExit_EncounterType": rows({name: one.exit.encounter_type for name, one in filed}),
            "CommunityEnrolmentExit_BahmniForm": rows({name: one.exit.form for name, one in filed}, "Exit"),
            "BahmniForm_CommunityProgram": [
                {"avni": form.program, "int": reviews[form.name], "about": form.name}
                for form in forms.HOSPITAL_PROGRAM_FORMS
            ],
        },
        "ProgramEncounter": {
            "EncounterType": [
                {"avni": form.in_avni, "int": reviews[form.name], "about": form.name}
                for form in forms.HOSPITAL_PROGRAM_FORMS
            ],
            "CommunityProgramEncounter_EncounterType": rows({name: one.encounter_type for name, one in visits}),
            "CommunityProgramEncounter_BahmniForm": rows({name: one.form for name, one in visits}),
        },
    }


def _ignored(ids: Ids) -> dict[str, Rows]:
    return {
        "avni": [
            {"concept": name, "about": "Left out on purpose."}
            for name in (*forms.IGNORED_QUESTIONS, *forms.IGNORED_ANSWERS)
        ],
        "int_system": [
            {"concept": hospital_concept(ids, name), "about": name}
            for name in (*forms.IGNORED_HOSPITAL_QUESTIONS, *forms.IGNORED_HOSPITAL_ANSWERS)
        ],
    }


def _from_avni(ids: Ids) -> Rows:
    """Demographics, questions, and their answers but for those nobody has mapped."""
    rows = [_concept(ids, name, kind) for name, kind in design.DEMOGRAPHICS]
    for question in design.QUESTIONS:
        rows.append(_concept(ids, question.name, question.kind))
        rows += [_concept(ids, answer, "NA") for answer in question.answers if answer not in design.UNMAPPED_ANSWERS]
    return rows


def _concept(ids: Ids, name: str, hint: str) -> dict[str, str]:
    return {"avni": name, "int": ids("bahmni", "concept", name), "hint": hint, "about": design.in_bahmni(name)}


def _from_visits(ids: Ids) -> Rows:
    """What the field team asks on its visits; one question somebody mapped to words."""
    rows = []
    left_out = (*forms.UNMAPPED_VISIT_ANSWERS, *forms.IGNORED_ANSWERS)
    for question in (*forms.VISIT_QUESTIONS, *programs.PROGRAM_QUESTIONS):
        row = _concept(ids, question.name, forms.HINTS.get(question.kind, question.kind))
        rows.append(row | {"int": "as on the paper card"} if question.name == forms.WITHOUT_UUID else row)
        rows += [_concept(ids, answer, "NA") for answer in question.answers if answer not in left_out]
    return rows


def _from_bahmni(ids: Ids) -> Rows:
    return [
        {"avni": design.as_hospital_answer(answer), "int": hospital_answer(ids, answer), "hint": "NA", "about": answer}
        for one in design.ATTRIBUTES
        for answer in one.answers
        if answer not in design.UNMAPPED_ATTRIBUTE_ANSWERS
    ]


def _from_forms(ids: Ids) -> Rows:
    """What the hospital asks in its forms."""
    rows: Rows = []
    left_out = (*forms.UNMAPPED_HOSPITAL_ANSWERS, *forms.IGNORED_HOSPITAL_ANSWERS)
    for question in forms.HOSPITAL_QUESTIONS:
        if question.name in forms.UNMAPPED_HOSPITAL_QUESTIONS:
            continue
        name, uuid = forms.in_avni_visit(question), hospital_concept(ids, question.name)
        rows.append({"avni": name, "int": uuid, "hint": forms.kind_in_avni(question), "about": question.name})
        rows += [
            {
                "avni": design.as_hospital_answer(answer),
                "int": hospital_concept(ids, answer),
                "hint": "NA",
                "about": answer,
            }
            for answer in question.answers
            if answer not in left_out
        ]
    rows += [{"avni": answer, "int": truth(answer), "hint": "NA"} for answer in forms.BOOLEAN_ANSWERS]
    return rows

from urllib.request import urlopen

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import IntegrityError, connection
from django.test import TestCase
from notes.models import Note


@pytest.mark.django_db
def test_model():
    note = Note.objects.create(text="one")
    assert (note.pk, Note.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_transaction():
    Note.objects.create(text="one")
    with pytest.raises(IntegrityError):
        Note.objects.create(text="one")


def test_view(db, client, settings, django_assert_num_queries):
    Note.objects.bulk_create([Note(text="a"), Note(text="b")])
    with django_assert_num_queries(1):
        response = client.get("/")
    assert (response.status_code, settings.SITE_NAME) == (200, "here")


def test_live_server(live_server):
    Note.objects.create(text="served")
    assert b"<p>served</p>" in urlopen(live_server.url).read()


def test_no_database():
    Note.objects.count()


def test_mail(mailoutbox):
    mail.send_mail("s", "b", "from@example.org", ["to@example.org"])
    assert [message.subject for message in mailoutbox] == ["s"]


def test_user(admin_client, django_user_model, admin_user):
    assert django_user_model is get_user_model()
    assert admin_user.is_superuser


def test_table(db):
    assert "notes_note" in connection.introspection.table_names()


class TestNotes(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.note = Note.objects.create(text="class")

    def test_query(self):
        with self.assertNumQueries(2):
            Note.objects.get(text="class")

    def test_text(self):
        self.assertEqual(str(self.note), "class")

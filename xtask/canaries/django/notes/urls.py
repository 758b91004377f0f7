from django.shortcuts import render
from django.urls import path

from notes.models import Note


def index(request):
    return render(request, "index.html", {"notes": Note.objects.order_by("text")})


urlpatterns = [path("", index)]

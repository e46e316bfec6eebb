# One image, four entry points: web (the default), worker, beat, migrate. See bin/entrypoint.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /opt/venv
RUN /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY LICENSE manage.py ./
COPY bin/entrypoint bin/
COPY avni_integration avni_integration
COPY console console
COPY bahmni bahmni
COPY engine engine
COPY errors errors
COPY syncstatus syncstatus
COPY mappings mappings
COPY avni avni
COPY atomfeed atomfeed
COPY tenants tenants
COPY common common
# The keys serve this one command and stay in no layer.
RUN DJANGO_SECRET_KEY=unused FIELD_ENCRYPTION_KEYS=unused python manage.py collectstatic --no-input
# By number, so that "runs as non-root" can be checked from outside. Nothing in the image is writable for it.
USER 10001:10001
EXPOSE 8000
# A stop waits up to 20 s for the slice in hand: give the container 30 s before it is killed.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/bin/entrypoint"]
CMD ["web"]

# One image for every role: api, worker, relay, db, and the simulated provinces. The command chooses.
FROM python:3.13-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.runtime.lock /tmp/requirements.lock
RUN python -m venv /venv && /venv/bin/python -m pip install --require-hashes --only-binary :all: -r /tmp/requirements.lock

FROM python:3.13-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 HOME=/tmp TONGBAN_DATA_DIR=/data
RUN install -d -o 10001 -g 10001 /data /data/files
COPY --from=packages /venv /venv
COPY . /app
WORKDIR /app
USER 10001:10001
EXPOSE 8700
# the health check depends on the role, see docker-compose.yml
ENTRYPOINT ["python", "-m", "tongban"]
CMD ["api"]

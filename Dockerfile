# Fairlead's image: one process, no root, nothing writable but the data folder.

FROM python:3.13.15-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

# A mirror of the package index, where there is one; the hashes in requirements/ hold whatever it serves.
ARG PIP_INDEX_URL
WORKDIR /src
RUN python -m venv /opt/fairlead
# Dependencies first: this layer changes only with the lock. all.txt is core.txt and every extra.
# The build backend lives in the base Python, not in the image.
COPY requirements/all.txt requirements/build.txt requirements/
RUN pip install --require-hashes --requirement requirements/build.txt && \
    /opt/fairlead/bin/pip install --require-hashes --requirement requirements/all.txt
COPY pyproject.toml README.md LICENSE ./
COPY proxy proxy
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . && \
    /opt/fairlead/bin/pip install --no-deps dist/*.whl && \
    /opt/fairlead/bin/python -m compileall -q /opt/fairlead && \
    /opt/fairlead/bin/python -m pip uninstall --yes pip


FROM python:3.13.15-slim-trixie

LABEL org.opencontainers.image.title="Fairlead" \
      org.opencontainers.image.description="An asynchronous, OpenAI-compatible reverse proxy for LLM providers." \
      org.opencontainers.image.licenses="Apache-2.0"

ENV PATH=/opt/fairlead/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FAIRLEAD_DATA_DIR=/var/lib/fairlead

# A number, not a name: Kubernetes checks runAsNonRoot against it.
RUN mkdir /var/lib/fairlead /etc/fairlead && chown 65532:65532 /var/lib/fairlead
COPY --from=build /opt/fairlead /opt/fairlead

USER 65532:65532
WORKDIR /etc/fairlead
VOLUME /var/lib/fairlead
EXPOSE 8080

# The port is the default one below; a container that serves on another needs its own health check. Not by urllib: it
# asks the proxies of the environment, which Docker fills in from its own configuration.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8080, timeout=2); c.request('GET', '/livez'); exit(c.getresponse().status != 200)"]

ENTRYPOINT ["fairlead"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]

# mailfax in a container. Build from the repository's top:   docker build -t mailfax .
# Run:   docker run --stop-timeout 600 -v /etc/mailfax:/etc/mailfax:ro -v mailfax-spool:/var/lib/mailfax -p 25:2525 \
#            -e MAILFAX_ACCOUNT_MAIN_PASSWORD=… mailfax
# Other commands run in it, too:   docker exec CONTAINER mailfax queue
# In mailfax.toml: address = "0.0.0.0:2525", networks as the container sees its clients, and for the health check
# [web] address = "127.0.0.1:8025".
# Strangers' files are opened in cells; in a container that takes Landlock (Linux 5.13, docker 20.10.10 or newer):
# "mailfax check" tells.
# A container's network may show every client with its gateway's address: then networks prove nothing. Use
# --network host, or let a mail server in front decide.
FROM python:3.11-slim-bookworm

# The wheels bring the fonts of every common script; these have rare signs (mathematics, playing cards, Runic, …).
# LibreOffice, Ghostscript and xpstopdf turn Office files, PostScript and XPS into pages; with the fonts that stand in for
# Office's own. Without them such files go to FaxCore as they are.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core fonts-dejavu-extra \
    libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui python3-uno \
    fonts-crosextra-carlito fonts-crosextra-caladea fonts-liberation ghostscript libgxps-utils \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/mailfax
COPY config/constraints.txt ./
# The build tool first and pinned; what is needed is a layer of its own, so that a change of code builds quickly.
RUN pip install --no-cache-dir --constraint constraints.txt setuptools
COPY pyproject.toml README.md LICENSE ./
COPY mailfax ./mailfax
COPY docs/mailfax.1 ./docs/
RUN pip install --no-cache-dir --no-build-isolation --constraint constraints.txt . \
    && rm -r mailfax docs build *.egg-info

RUN useradd --system --home-dir /var/lib/mailfax --create-home mailfax \
    && chmod 700 /var/lib/mailfax
USER mailfax
WORKDIR /var/lib/mailfax
VOLUME /var/lib/mailfax
EXPOSE 2525

# [web] address = "127.0.0.1:8025" in mailfax.toml answers the health check. SIGTERM, docker's own signal, is the graceful
# stop: an upload under way may take minutes, hence --stop-timeout; what is cut off is found again at the next start.
HEALTHCHECK --start-period=15s --timeout=8s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8025/healthz', timeout=7)"]
ENV MAILFAX_CONFIG=/etc/mailfax/mailfax.toml
ENTRYPOINT ["mailfax"]
CMD ["serve"]

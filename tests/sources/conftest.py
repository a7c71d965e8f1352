"""The PostgreSQL server of the ledger's tests, for sources too."""

from tests.privacy.conftest import postgres_server as postgres_server

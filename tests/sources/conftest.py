"""The PostgreSQL server of the ledger's tests, for sources too."""

from tests.ledger.conftest import postgres_server as postgres_server

"""Foreign schemas as teams write them, each with what a schema made of it must state."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """A foreign file and what must come of it.

    Attributes:
        name: Names the case.
        kind: What it must be recognised as.
        file: The file's name.
        text: Its content.
        columns: Column to the facts that it must have; None for bounds or categories that are left
            to be measured.
        unit: The unit's column; None for one row.
        table: Which table is asked for.
        notes: Parts of notes that must be told.
        max_rows: The most rows of one unit, as the caller says.
    """

    name: str
    kind: str
    file: str
    text: str
    columns: dict[str, dict[str, Any]]
    unit: str | None = None
    table: str | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
    max_rows: int | None = None


OPEN = {"lower": None}
_HOTEL = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "primary_key": "guest_id",
    "columns": {
        "guest_id": {"sdtype": "id", "regex_format": r"G-\d{6}"},
        "guest_email": {"sdtype": "email", "pii": True},
        "has_rewards": {"sdtype": "boolean"},
        "room_type": {"sdtype": "categorical"},
        "loyalty": {"sdtype": "categorical", "order": ["none", "silver", "gold"]},
        "nights": {"sdtype": "numerical", "computer_representation": "Int8"},
        "room_rate": {"sdtype": "numerical", "computer_representation": "Float"},
        "checkin_date": {"sdtype": "datetime", "datetime_format": "%d %b %Y"},
        "checked_out": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d %H:%M"},
        "billing_address": {"sdtype": "address", "pii": True},
        "home": {"sdtype": "latitude", "pii": True},
    },
}
_V2 = {
    "tables": {
        "orders": {
            "primary_key": "order_id",
            "columns": {
                "order_id": {"sdtype": "id"},
                "customer_id": {"sdtype": "id"},
                "total": {
                    "sdtype": "numerical",
                    "decimal_places": 2,
                    "range_min": 0.5,
                    "range_max": 999.99,
                    "range_is_nullable": False,
                },
                "items": {
                    "sdtype": "numerical",
                    "decimal_places": 0,
                    "range_min": 1,
                    "range_max": 40,
                },
                "state": {"sdtype": "categorical", "range_values": ["open", "paid", "returned"]},
                "size": {"sdtype": "ordinal", "range_values": [36, 37, 38]},
                "placed": {
                    "sdtype": "datetime",
                    "datetime_format": "%d/%m/%Y",
                    "range_min": "01/02/2020",
                    "range_max": "31/12/2024",
                },
                "coupon": {"sdtype": "categorical", "high_cardinality": True},
            },
        },
        "customers": {
            "columns": {
                "customer_id": {"sdtype": "id"},
                "age": {"sdtype": "numerical", "decimal_places": 0},
            }
        },
    },
    "relationships": [],
    "METADATA_SPEC_VERSION": "V2",
}
_VISITS = {
    "tables": {
        "visits": {
            "sequence_key": "patient_id",
            "sequence_index": "day",
            "columns": {
                "patient_id": {"sdtype": "id", "regex_format": "P[0-9]{4}"},
                "day": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"},
                "weight": {"sdtype": "numerical"},
            },
        }
    },
    "relationships": [],
    "METADATA_SPEC_VERSION": "V1",
}
_OLD = {
    "fields": {
        "user_id": {"type": "id", "subtype": "integer"},
        "country": {"type": "categorical"},
        "age": {"type": "numerical", "subtype": "integer"},
        "balance": {"type": "numerical", "subtype": "float"},
        "since": {"type": "datetime", "format": "%Y-%m-%d"},
        "ssn": {"type": "categorical", "pii": True, "pii_category": "ssn"},
        "vip": {"type": "boolean"},
    },
    "primary_key": "user_id",
}
SDV = [
    Case(
        "sdv-single-v1",
        "sdv",
        "metadata.json",
        json.dumps(_HOTEL),
        {
            "guest_id": {"kind": "identifier", "pattern": "G-{:06d}", "missing": False},
            "guest_email": {"kind": "email", "role": "identifier"},
            "has_rewards": {"kind": "boolean"},
            "room_type": {"kind": "categorical", "categories": None},
            "loyalty": {"kind": "ordinal", "categories": ["none", "silver", "gold"]},
            "nights": {"kind": "integer", **OPEN},
            "room_rate": {"kind": "float", **OPEN},
            "checkin_date": {"kind": "date", "format": "%d %b %Y", **OPEN},
            "checked_out": {"kind": "datetime", "format": "%Y-%m-%d %H:%M"},
            "billing_address": {"kind": "address"},
            "home": {"kind": "text"},
        },
        unit="guest_id",
        notes=("'room_rate': its decimals are not stated", "'home': its sdtype 'latitude'"),
    ),
    Case(
        "sdv-v2-several",
        "sdv",
        "shop.json",
        json.dumps(_V2),
        {
            "order_id": {"kind": "identifier"},
            "total": {
                "kind": "float",
                "lower": 0.5,
                "upper": 999.99,
                "decimals": 2,
                "missing": False,
                "source:lower": "confirm",
            },
            "items": {"kind": "integer", "lower": 1, "upper": 40},
            "state": {
                "kind": "categorical",
                "categories": ["open", "paid", "returned"],
                "source:categories": "confirm",
            },
            "size": {"kind": "ordinal", "categories": ["36", "37", "38"]},
            "placed": {
                "kind": "date",
                "lower": "2020-02-01T00:00:00",
                "upper": "2024-12-31T00:00:00",
                "format": "%d/%m/%Y",
            },
            "coupon": {"kind": "categorical", "categories": None},
        },
        unit="order_id",
        table="orders",
        notes=("SDV may have taken bounds",),
    ),
    Case(
        "sdv-sequence",
        "sdv",
        "visits.json",
        json.dumps(_VISITS),
        {
            "patient_id": {"kind": "identifier", "pattern": "P{:04d}"},
            "weight": {"kind": "float", "source:kind": "confirm"},
        },
        unit="patient_id",
        max_rows=12,
    ),
    Case(
        "sdv-fields-of-old",
        "sdv",
        "old.json",
        json.dumps(_OLD),
        {
            "user_id": {"kind": "identifier"},
            "age": {"kind": "integer", **OPEN},
            "balance": {"kind": "float"},
            "since": {"kind": "date", "format": "%Y-%m-%d"},
            "ssn": {"kind": "identifier", "role": "identifier"},
            "vip": {"kind": "boolean"},
        },
        unit="user_id",
    ),
]
_PYDANTIC = {
    "$defs": {"Tier": {"enum": ["basic", "gold"], "title": "Tier", "type": "string"}},
    "title": "Customer",
    "type": "object",
    "properties": {
        "id": {"format": "uuid", "title": "Id", "type": "string"},
        "email": {"format": "email", "title": "Email", "type": "string"},
        "age": {
            "anyOf": [{"maximum": 120, "minimum": 0, "type": "integer"}, {"type": "null"}],
            "default": None,
            "title": "Age",
        },
        "tier": {"$ref": "#/$defs/Tier"},
        "height": {"exclusiveMinimum": 0.5, "maximum": 2.5, "title": "Height", "type": "number"},
        "born": {"format": "date", "title": "Born", "type": "string"},
        "created": {"format": "date-time", "title": "Created", "type": "string"},
        "price": {
            "anyOf": [{"minimum": 0, "type": "number"}, {"pattern": "^[0-9.]+$", "type": "string"}],
            "title": "Price",
        },
        "tags": {"items": {"type": "string"}, "type": "array"},
        "active": {"type": "boolean"},
    },
    "required": ["id", "email", "tier", "active"],
}
_DRAFT7 = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "array",
    "items": {
        "type": "object",
        "required": ["member_no", "grade"],
        "properties": {
            "member_no": {"type": "string", "pattern": "^M[0-9]{5}$"},
            "grade": {"type": "integer", "enum": [3, 1, 2]},
            "channel": {"type": ["string", "null"], "enum": ["web", "shop", None]},
            "rate": {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.001},
            "level": {"type": "integer", "minimum": 7, "maximum": 7},
            "remarks": {"type": "string", "maxLength": 4000},
            "city": {"type": "string", "maxLength": 80},
        },
    },
}
_OPENAPI = """\
# Taken out of components/schemas of an OpenAPI file.
type: object
required: [orderId]
properties:
  orderId: {type: integer, format: int64}
  amount: {type: number, minimum: 0, exclusiveMaximum: true, maximum: 1000, nullable: true}
  status: {type: string, enum: [new, 'no', 01], nullable: true}
  until: {type: string, format: date, formatMinimum: '2020-01-01', formatMaximum: '2030-12-31'}
  at: {type: string, format: time}
"""
_MERGED = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$ref": "#/$defs/row",
    "$defs": {
        "row": {
            "allOf": [{"$ref": "#/$defs/base"}],
            "properties": {
                "kind": {"oneOf": [{"const": "a"}, {"const": "b"}]},
                "score": {
                    "anyOf": [{"type": "integer", "minimum": 0, "maximum": 10}, {"const": -1}]
                },
                "free": {},
                "flag": {"enum": [True, False]},
                "pos": {"$ref": "#/$defs/positive"},
            },
        },
        "base": {"type": "object", "description": "All rows."},
        "positive": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 100},
    },
}
JSON_SCHEMA = [
    Case(
        "json-schema-of-pydantic",
        "json-schema",
        "customer.json",
        json.dumps(_PYDANTIC),
        {
            "id": {
                "kind": "identifier",
                "pattern": "00000000-0000-4000-8000-{:012x}",
                "missing": False,
            },
            "email": {"kind": "email"},
            "age": {
                "kind": "integer",
                "lower": 0,
                "upper": 120,
                "missing": True,
                "source:lower": "declared",
            },
            "tier": {"kind": "categorical", "categories": ["basic", "gold"]},
            "height": {"kind": "float", "lower": 0.5, "upper": 2.5},
            "born": {"kind": "date", "format": "%Y-%m-%d", **OPEN},
            "created": {"kind": "datetime", "format": "%Y-%m-%dT%H:%M:%S%z", "zone": "UTC"},
            "price": {"kind": "float", **OPEN},
            "tags": {"kind": "text", "source:kind": "confirm"},
            "active": {"kind": "boolean", "missing": False},
        },
        notes=("'tags': is array", "the unit is one row"),
    ),
    Case(
        "json-schema-of-a-list",
        "json-schema",
        "members.schema.json",
        json.dumps(_DRAFT7),
        {
            "member_no": {"kind": "identifier", "pattern": "M{:05d}"},
            "grade": {"kind": "ordinal", "categories": ["1", "2", "3"], "missing": False},
            "channel": {"kind": "categorical", "categories": ["web", "shop"], "missing": True},
            "rate": {
                "kind": "float",
                "lower": 0,
                "upper": 1,
                "decimals": 3,
                "source:decimals": "declared",
            },
            "level": {"kind": "ordinal", "categories": ["7"]},
            "remarks": {"kind": "text", "source:kind": "confirm"},
            "city": {
                "kind": "categorical",
                "categories": None,
                "role": "quasi-identifier",
                "source:role": "confirm",
            },
        },
        notes=("'city': its categories are not stated",),
    ),
    Case(
        "json-schema-of-openapi-in-yaml",
        "json-schema",
        "order.yaml",
        _OPENAPI,
        {
            "orderId": {"kind": "identifier", "source:kind": "confirm"},
            "amount": {"kind": "float", "missing": True},
            "status": {"kind": "categorical", "categories": ["new", "no", "01"]},
            "until": {
                "kind": "date",
                "lower": "2020-01-01T00:00:00",
                "upper": "2030-12-31T00:00:00",
            },
            "at": {"kind": "datetime", "format": "%H:%M:%S"},
        },
    ),
    Case(
        "json-schema-with-references",
        "json-schema",
        "row.json",
        json.dumps(_MERGED),
        {
            "kind": {"kind": "categorical", "categories": ["a", "b"]},
            "score": {"kind": "integer", "lower": 0, "upper": 10, "special_values": [-1]},
            "free": {"kind": "categorical", "categories": None, "source:kind": "confirm"},
            "flag": {"kind": "boolean"},
            "pos": {"kind": "integer", "lower": 1, "upper": 99},
        },
    ),
]
_PANDERA_FLAT = """\
schema_type: dataframe
api: pandas
columns:
  customer_id:
    dtype: str
    unique: true
    str_matches: ^C[0-9]{7}$
  age:
    dtype: int64
    in_range: {min_value: 18, max_value: 99, include_min: true, include_max: true}
  spend:
    dtype: float64
    nullable: true
    greater_than_or_equal_to: 0
    less_than: 5000
  tier: {dtype: category, isin: [basic, silver, 'no']}
  joined:
    dtype: datetime64[ns]
    greater_than_or_equal_to: '2015-01-01 00:00:00'
    less_than_or_equal_to: '2025-12-31 00:00:00'
  seen: {dtype: 'datetime64[ns, Europe/Berlin]', nullable: true}
  flag: {dtype: boolean}
  ^x_.*$: {dtype: float64, regex: true, required: false}
strict: true
"""
_PANDERA_LISTED = """\
schema_type: dataframe
version: 0.20.4
columns:
  amount:
    title: null
    description: paid in euros
    dtype: float64
    nullable: false
    checks:
    - min_value: 0.0
      options: {check_name: greater_than_or_equal_to, raise_warning: false, ignore_na: true}
    - max_value: 99.5
      options: {check_name: less_than_or_equal_to, raise_warning: false, ignore_na: true}
    unique: false
    coerce: false
    required: true
    regex: false
  stars:
    dtype: Int64
    nullable: true
    checks:
    - value: [1, 2, 3, 4, 5]
      options: {check_name: isin}
checks: null
index: null
dtype: null
coerce: true
strict: false
name: reviews
ordered: false
unique: null
"""
_PANDERA_MAPPED = """\
schema_type: dataframe
version: 0.13.4
columns:
  rating:
    dtype: int32
    nullable: false
    checks:
      greater_than_or_equal_to: 1.0
      less_than_or_equal_to: 10.0
  title:
    dtype: object
    nullable: true
    checks:
      str_length: {min_value: 1, max_value: 3000}
  price:
    dtype: Decimal(10, 2)
    nullable: false
    checks: null
  lasted: {dtype: 'timedelta64[ns]', nullable: true}
index:
- {dtype: int64, nullable: false, name: null}
coerce: true
"""
_PANDERA_JSON = {
    "schema_type": "dataframe",
    "api": "pandas",
    "columns": [
        {"name": "user", "dtype": "string[python]", "nullable": False, "unique": True},
        {"name": "email", "dtype": "str", "nullable": False, "unique": True},
        {"name": "n", "dtype": "uint8", "gt": 0, "le": 9},
        {"name": "my_check", "dtype": "int64", "is_prime": {}},
    ],
    "unique": ["user", "n"],
}
PANDERA = [
    Case(
        "pandera-flat",
        "pandera",
        "customers.yaml",
        _PANDERA_FLAT,
        {
            "customer_id": {"kind": "identifier", "pattern": "C{:07d}", "missing": False},
            "age": {"kind": "integer", "lower": 18, "upper": 99, "source:lower": "confirm"},
            "spend": {"kind": "float", "lower": 0, "upper": 5000, "missing": True},
            "tier": {"kind": "categorical", "categories": ["basic", "silver", "no"]},
            "joined": {
                "kind": "datetime",
                "lower": "2015-01-01T00:00:00",
                "upper": "2025-12-31T00:00:00",
            },
            "seen": {"kind": "datetime", "zone": "Europe/Berlin", **OPEN},
            "flag": {"kind": "boolean"},
        },
        unit="customer_id",
        notes=("named like '^x_.*$' are left out", "infer_schema takes bounds from rows"),
    ),
    Case(
        "pandera-checks-in-a-list",
        "pandera",
        "reviews.yaml",
        _PANDERA_LISTED,
        {
            "amount": {"kind": "float", "lower": 0, "upper": 99.5, "description": "paid in euros"},
            "stars": {"kind": "ordinal", "categories": ["1", "2", "3", "4", "5"], "missing": True},
        },
    ),
    Case(
        "pandera-checks-in-a-mapping",
        "pandera",
        "films.yml",
        _PANDERA_MAPPED,
        {
            "rating": {"kind": "integer", "lower": 1, "upper": 10},
            "title": {"kind": "text", "source:kind": "confirm"},
            "price": {"kind": "float", "decimals": 2, "source:decimals": "declared"},
            "lasted": {"kind": "integer", "format": "[h]:mm:ss"},
        },
    ),
    Case(
        "pandera-json",
        "pandera",
        "users.json",
        json.dumps(_PANDERA_JSON),
        {
            "user": {"kind": "identifier"},
            "email": {"kind": "email"},
            "n": {"kind": "integer", "lower": 1, "upper": 9},
            "my_check": {"kind": "integer", **OPEN},
        },
        unit="user",
        notes=(
            "'my_check': the check 'is_prime' is not read",
            "several columns together are unique",
        ),
    ),
]
_DBT = """\
version: 2

models:
  - name: customers
    description: One row per customer.
    columns:
      - name: customer_id
        data_type: number(38,0)
        data_tests: [unique, not_null]
      - name: status
        data_type: varchar(20)
        tests:
          - not_null
          - accepted_values:
              values: ['active', no, 01]
      - name: lifetime_value
        data_type: numeric(12,2)
        tests:
          - dbt_utils.accepted_range: {min_value: 0, max_value: 100000}
      - name: first_order
        data_type: timestamp_ntz
      - name: is_vip
        data_type: boolean
  - name: orders
    columns:
      - name: order_id
"""
_DBT_EXPECT = """\
version: 2
models:
  - name: sessions
    tests:
      - dbt_utils.unique_combination_of_columns:
          combination_of_columns: [user_id, started_at]
    columns:
      - name: user_id
        data_type: bigint
        tests:
          - relationships: {to: ref('users'), field: id}
      - name: started_at
        data_type: timestamp with time zone
        tests:
          - dbt_expectations.expect_column_values_to_be_between:
              min_value: "'2020-01-01'"
              max_value: "'2029-12-31'"
      - name: pages
        tests:
          - dbt_expectations.expect_column_values_to_be_of_type: {column_type: integer}
          - dbt_expectations.expect_column_values_to_be_between:
              {min_value: 0, max_value: 500, strictly: true}
      - name: device
        data_type: string
        tests:
          - dbt_expectations.expect_column_values_to_be_in_set: {value_set: [web, ios, android]}
      - name: share
        data_type: float64
        tests:
          - dbt_utils.accepted_range: {min_value: 0, max_value: 1, where: "device = 'web'"}
      - name: country
        data_type: string
        tests:
          - accepted_values: {values: "{{ var('countries') }}"}
"""
_DBT_SOURCES = """\
version: 2
sources:
  - name: raw
    tables:
      - name: payments
        columns:
          - name: id
            data_type: uuid
            constraints: [{type: primary_key}]
          - name: amount
            data_type: decimal(18, 4)
            constraints:
              - {type: check, expression: "amount >= 0 and amount <= 10000"}
              - type: not_null
          - name: paid_on
            data_type: date
          - name: payload
            data_type: jsonb
          - {name: notes, data_type: text}
"""
_DBT_SEEDS = """\
seeds:
  - name: regions
    columns:
      - name: code
        data_type: char(2)
        data_tests:
          - accepted_values:
              arguments: {values: [N, S, E]}
              config: {severity: error}
      - name: rank
        data_type: smallint
        data_tests:
          - accepted_values: {values: [3, 1, 2], quote: false}
      - name: old
        data_type: int
        data_tests:
          - dbt_utils.accepted_range: {arguments: {min_value: 0, max_value: 9, inclusive: false}}
          - dbt_utils.accepted_range: {arguments: {min_value: 5}, config: {severity: warn}}
"""
DBT = [
    Case(
        "dbt-models",
        "dbt",
        "schema.yml",
        _DBT,
        {
            "customer_id": {"kind": "identifier", "missing": False},
            "status": {
                "kind": "categorical",
                "categories": ["active", "no", "01"],
                "missing": False,
            },
            "lifetime_value": {
                "kind": "float",
                "lower": 0,
                "upper": 100000,
                "decimals": 2,
                "source:lower": "declared",
            },
            "first_order": {"kind": "datetime", **OPEN},
            "is_vip": {"kind": "boolean"},
        },
        unit="customer_id",
        table="customers",
    ),
    Case(
        "dbt-expectations",
        "dbt",
        "sessions.yml",
        _DBT_EXPECT,
        {
            "user_id": {"kind": "identifier", "source:kind": "confirm"},
            "started_at": {
                "kind": "datetime",
                "zone": "UTC",
                "lower": "2020-01-01T00:00:00",
                "upper": "2029-12-31T00:00:00",
            },
            "pages": {"kind": "integer", "lower": 1, "upper": 499},
            "device": {"kind": "categorical", "categories": ["web", "ios", "android"]},
            "share": {"kind": "float", **OPEN},
            "country": {"kind": "categorical", "categories": None},
        },
        notes=(
            "'user_id' refers to another table and may repeat",
            "holds for some rows only",
            "is made by Jinja",
            "of the whole table",
        ),
    ),
    Case(
        "dbt-sources",
        "dbt",
        "sources.yml",
        _DBT_SOURCES,
        {
            "id": {"kind": "identifier", "pattern": "00000000-0000-4000-8000-{:012x}"},
            "amount": {
                "kind": "float",
                "lower": 0,
                "upper": 10000,
                "decimals": 4,
                "missing": False,
            },
            "paid_on": {"kind": "date"},
            "payload": {"kind": "text"},
            "notes": {"kind": "text"},
        },
        unit="id",
    ),
    Case(
        "dbt-seeds",
        "dbt",
        "seeds.yml",
        _DBT_SEEDS,
        {
            "code": {"kind": "categorical", "categories": ["N", "S", "E"]},
            "rank": {"kind": "ordinal", "categories": ["1", "2", "3"]},
            "old": {"kind": "integer", "lower": 1, "upper": 8},
        },
        notes=("does no more than warn",),
    ),
]
CASES = [*SDV, *JSON_SCHEMA, *PANDERA, *DBT]

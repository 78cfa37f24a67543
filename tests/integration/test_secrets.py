"""A function finds its database in Secrets Manager, through the real SDK."""

from __future__ import annotations

import json
import subprocess
import sys

import boto3

SHOW = "import cj.runtime as r; print(r.app().settings.database_url)"
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}


def start_function(aws_url: str, arn: str) -> subprocess.CompletedProcess[str]:
    """A process that reads its settings as a function does."""
    environ = {
        **KEYS,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws_url,
        "PUBLIC_URL": "https://cj.example.com",
        "REDIS_URL": "rediss://cache:6379",
        "DATABASE_SECRET_ARN": arn,
    }
    return subprocess.run(
        [sys.executable, "-c", SHOW], env=environ, capture_output=True, text=True, timeout=60
    )


def test_the_database_comes_from_the_secret_that_is_named(aws_url: str) -> None:
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=aws_url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    parts = {"username": "cj_app", "password": "p/w", "host": "db", "port": 5432, "dbname": "cj"}
    arn = secrets.create_secret(Name="cj/app", SecretString=json.dumps(parts))["ARN"]
    shown = start_function(aws_url, arn)
    assert shown.stdout.strip() == "postgresql://cj_app:p%2Fw@db:5432/cj?sslmode=require", (
        shown.stderr
    )


def test_a_secret_that_is_not_there_stops_the_start(aws_url: str) -> None:
    missing = "arn:aws:secretsmanager:us-east-1:123456789012:secret:nowhere-AbCdEf"
    shown = start_function(aws_url, missing)
    assert shown.returncode != 0
    assert "DATABASE_SECRET_ARN" in shown.stderr

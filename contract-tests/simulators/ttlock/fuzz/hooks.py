"""Brings a fuzzer past the vendor's gate: most cases get a live token, the right time and ids that exist.

Run from this folder against a simulator that stands alone, with what it printed in PRINTED:

    lockport-sim ttlock --listen 127.0.0.1:18631 --seed 7 > printed.txt &
    PRINTED=printed.txt SCHEMATHESIS_HOOKS=hooks schemathesis run http://127.0.0.1:18631/openapi.json --seed 7
"""

import atexit
import collections
import hashlib
import json
import os
import random
import time
import urllib.parse
import urllib.request

import schemathesis

with open(os.environ["PRINTED"], encoding="utf-8") as printed:
    SIM = dict(line.split(None, 1) for line in printed if " " in line)
SIM = {name: value.strip() for name, value in SIM.items()}
BASE = SIM["listening"]
DICE = random.Random(7)
HOUR = 3_600_000


def now():
    return int(time.time() * 1000)


def call(path, **fields):
    body = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(BASE + path, body) as answer:
        return json.load(answer)


def token():
    secret = hashlib.md5(SIM["password"].encode()).hexdigest()
    return call(
        "/oauth2/token",
        clientId=SIM["clientId"],
        clientSecret=SIM["clientSecret"],
        username=SIM["username"],
        password=secret,
    )["access_token"]


TOKEN = token()
COMMON = {"clientId": SIM["clientId"], "accessToken": TOKEN}
LOCKS = [str(lock["lockId"]) for lock in call("/v3/lock/list", date=now(), pageNo=1, **COMMON)["list"]]
GATEWAYS = [str(one["gatewayId"]) for one in call("/v3/gateway/list", date=now(), pageNo=1, **COMMON)["list"]]
# What came of it, printed at the end: a run that never got past the gate proves little.
OUTCOMES = collections.Counter()
# Ids that came back are used again, with the lock they belong to.
IDS = {"keyId": [("1", "1")], "keyboardPwdId": [("1", "1")], "cardId": [("1", "1")]}


@atexit.register
def tell():
    codes = collections.Counter()
    for (_, code), count in OUTCOMES.items():
        codes[code] += count
    called = {path for (path, _) in OUTCOMES}
    reached = {path for (path, code) in OUTCOMES if code == 0}
    print("answers by number:", dict(codes.most_common()))
    print("paths that succeeded:", len(reached), "of", len(called), "- not:", sorted(called - reached))


def text(*values):
    return [str(value) for value in values]


def likely(name):
    """A value this field could well have; `None` leaves it as the fuzzer made it."""
    fixed = {
        "clientId": [SIM["clientId"]],
        "clientSecret": [SIM["clientSecret"]],
        "accessToken": [TOKEN],
        "date": text(now()),
        "lockId": LOCKS,
        "gatewayId": GATEWAYS,
        "startDate": text(0, *[now(), now() - HOUR, now() - 2 * HOUR] * 3),
        "endDate": text(0, 1, *[now() + HOUR, now() + 24 * HOUR] * 4),
        "pageNo": text(1, 1, 1, 2, 0),
        "pageSize": text(1, 20, 20, 200, 1001),
        "orderBy": text(0, 0, 1, 2, 3),
        "keyboardPwd": text(*(DICE.randrange(1000, 10**9) for _ in range(3)), 1234),
        "newKeyboardPwd": text(DICE.randrange(1000, 10**9)),
        "keyboardPwdType": text(*[2, 3] * 5, *range(0, 16)),
        "keyboardPwdVersion": text(4),
        "cardNumber": text(DICE.randrange(0, 2**32), DICE.randrange(0, 2**64), 7, 7),
        "cardType": text(1, 4),
        "cyclicConfig": ['[{"weekDay":1,"startTime":480,"endTime":1080}]', "[]", "{"],
        "records": ["[]", '[{"recordType":1,"lockDate":1}]'],
        "keyboardPwdList": ["[]", '[{"keyboardPwd":"4711"}]'],
        "addType": text(1, 2, 2, 2, 3, 4),
        "changeType": text(1, 2, 2, 2),
        "deleteType": text(1, 2, 2, 2),
        "keyName": ["stay"],
        "receiverUsername": ["anna@example.org", "+4915112345678", "berta@example.org", SIM["username"]],
        "createUser": text(1, 1, 2),
        "keyRight": text(0, 1),
        "remoteEnable": text(1, 2),
        "timezoneRawOffset": text(0, HOUR, 10**12),
        "type": text(1, 2),
        "uid": text(1),
        "recordType": text(1, 4, 7, 12),
        "groupId": text(0, 1),
        "grant_type": ["password", "password", "refresh_token"],
        "username": [SIM["username"], "anna%d" % DICE.randrange(10**6)],
        "password": [hashlib.md5(SIM["password"].encode()).hexdigest()],
    }
    return DICE.choice(fixed[name]) if name in fixed else None


def names(case):
    operation = case.operation.definition.raw
    if case.method.upper() == "GET":
        return [parameter["name"] for parameter in operation.get("parameters", [])]
    if "requestBody" not in operation:
        return []
    content = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
    return list(content["schema"]["properties"])


@schemathesis.hook
def before_call(context, case, kwargs):
    fields = {}
    for name in names(case):
        value = likely(name)
        if value is not None and DICE.random() < 0.97:
            fields[name] = value
    for name in IDS.keys() & set(names(case)):
        fields[name], fields["lockId"] = DICE.choice(IDS[name][-20:])
    fields = {name: value for name, value in fields.items() if name in names(case)}
    if case.method.upper() == "GET":
        case.query = {**(case.query or {}), **fields}
    elif case.method.upper() == "POST" and (isinstance(case.body, dict) or DICE.random() < 0.8):
        own = case.body if isinstance(case.body, dict) else {}
        case.body = {**own, **fields}
        case.media_type = "application/x-www-form-urlencoded"


@schemathesis.hook
def after_call(context, case, response):
    try:
        answer = response.json()
    except ValueError:
        return
    code = answer.get("errcode", 0) if isinstance(answer, dict) else None
    OUTCOMES[case.path, code] += 1
    for name, known in IDS.items():
        # The top administrator's own key, which `/v3/key/get` tells, would take its lock out of the world.
        if code == 0 and name in answer and case.path != "/v3/key/get":
            sent = case.body if isinstance(case.body, dict) else case.query or {}
            known.append((str(answer[name]), sent.get("lockId", "1")))

//! Adapters that cannot keep a secret.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockport::credential::{Holder, IssueInput, IssueResult, Warning, WarningCode};
use lockport::driver::{Answer, Attempt, GrantOrder, Granted, VendorDriver as _};
use lockport::store::{Batch, Content, MemoryStore, Partition, Row, Store, StoreError, Table, Write};
use lockport::{LockError, LockPort, Secret, Timestamp};
use lockport_contract::Backstage;
use lockport_mock::{MockDriver, Personality};

use super::{BendDriver, BendPort, Saboteur, with_driver, with_port};

pub(super) const ALL: &[Saboteur] = &[
    Saboteur {
        name: "says the artifact in an error",
        on: Personality::PerDoor,
        caught_by: &["LEAK-001"],
        build: |bench, seed| with_driver(bench, seed, InErrors(str::to_owned)),
    },
    Saboteur {
        name: "says the artifact in an error, in base64",
        on: Personality::PerDoor,
        caught_by: &["LEAK-001"],
        build: |bench, seed| {
            with_driver(bench, seed, InErrors(|text| STANDARD.encode(format!("key={text};"))))
        },
    },
    Saboteur {
        name: "says the artifact in an error, backwards",
        on: Personality::PerDoor,
        caught_by: &["LEAK-001"],
        build: |bench, seed| with_driver(bench, seed, InErrors(|text| text.chars().rev().collect())),
    },
    Saboteur {
        name: "names the guest in a warning",
        on: Personality::PerDoor,
        caught_by: &["LEAK-001"],
        build: |bench, seed| with_port(bench, seed, InWarnings),
    },
    Saboteur {
        name: "names the guest in a trace",
        on: Personality::PerDoor,
        caught_by: &["LEAK-002"],
        build: |bench, seed| with_port(bench, seed, InTraces),
    },
    Saboteur {
        name: "finds its rows by what is in them",
        on: Personality::PerDoor,
        caught_by: &["LEAK-003"],
        build: |bench, seed| {
            let driver = MockDriver::new(bench.vendor.clone());
            let store = Arc::new(InTerms(MemoryStore::new()));
            let backstage = Backstage::over_store(driver, &bench.site, &bench.clock, seed, store);
            bench.clone().with_backstage(backstage)
        },
    },
];

#[derive(Debug)]
struct InErrors(fn(&str) -> String);

#[async_trait]
impl BendDriver for InErrors {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.grant(order, attempt).await.map_err(|error| {
            let text =
                order.artifact.as_ref().map(|artifact| (self.0)(artifact.expose())).unwrap_or_default();
            LockError::new(error.code(), error.reason(), error.advice(), format!("not given: {text}"))
        })
    }
}

fn name_of(input: &IssueInput) -> Option<String> {
    match &input.holder {
        Holder::Guest(guest) => guest.display_name.clone(),
        _ => None,
    }
}

#[derive(Debug)]
struct InWarnings;

#[async_trait]
impl BendPort for InWarnings {
    async fn issue(&self, inner: &dyn LockPort, input: IssueInput) -> Result<IssueResult, LockError> {
        let name = name_of(&input);
        let mut issued = inner.issue_credential(input).await?;
        issued.warnings.extend(name.map(|detail| Warning { code: WarningCode::DeviceOffline, detail }));
        Ok(issued)
    }
}

#[derive(Debug)]
struct InTraces;

#[async_trait]
impl BendPort for InTraces {
    async fn issue(&self, inner: &dyn LockPort, input: IssueInput) -> Result<IssueResult, LockError> {
        tracing::trace!(guest = name_of(&input), "a key is wanted");
        inner.issue_credential(input).await
    }
}

#[derive(Debug)]
struct InTerms(MemoryStore);

fn told(write: Write) -> Write {
    let content = write.content.map(|Content { due, mut terms, body }| {
        let body: Secret<Vec<u8>> = body;
        terms.push(String::from_utf8_lossy(body.expose()).into_owned());
        Content { due, terms, body }
    });
    Write { content, ..write }
}

#[async_trait]
impl Store for InTerms {
    async fn read(&self, partition: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.0.read(partition, table, id).await
    }

    async fn find(&self, partition: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        self.0.find(partition, table, term).await
    }

    async fn due(
        &self,
        partition: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.0.due(partition, table, until, limit).await
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<(), StoreError> {
        let writes = batch.writes.iter().cloned().map(told).collect();
        self.0.commit(partition, &Batch { id: batch.id, writes }).await
    }
}

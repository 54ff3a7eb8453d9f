//! A PC/SC service with one simulated reader: a command and its answer, over the same cable as everything else.

use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError};
use lockport_wiegand::encoder::CardReader;

/// What the service sends for the power to be taken away, and for the ATR; and what it hears where no card is there.
const POWER_OFF: u8 = 0x00;
const ATR: u8 = 0x04;
const NO_CARD: [u8; 1] = [0x00];

#[derive(Debug)]
pub(crate) struct SimReader {
    pub(crate) line: Box<dyn ByteLink>,
    pub(crate) name: String,
}

impl SimReader {
    async fn message(
        &self,
        bytes: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        // The answer to a call that was given up is nobody's.
        while self.line.read(Duration::ZERO).await.is_ok() {}
        self.line.write(bytes).await?;
        let answer = self.line.read(timeout).await?;
        // EXPOSE: whether it is an answer at all.
        let is_there = *answer.expose() != NO_CARD;
        Ok(is_there.then_some(answer))
    }
}

#[async_trait]
impl CardReader for SimReader {
    fn name(&self) -> &str {
        &self.name
    }

    async fn connect(&self, timeout: Duration) -> Result<Option<Vec<u8>>, LinkError> {
        self.line.write(&Secret::new(vec![POWER_OFF])).await?;
        let atr = self.message(&Secret::new(vec![ATR]), timeout).await?;
        // EXPOSE: of a simulated card.
        Ok(atr.map(|atr| atr.expose().clone()))
    }

    async fn transmit(
        &self,
        apdu: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        self.message(apdu, timeout).await
    }
}

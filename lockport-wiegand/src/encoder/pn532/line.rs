//! One command and its answer (section 4.3): acknowledged, repeated, asked for again or ended.

use std::fmt;
use std::time::Duration;

use lockport::Secret;
use lockport::env::{ByteLink, LinkError};
use zeroize::Zeroizing;

use crate::codec::pn532::{ACK, Command, Flaw, NACK, Part, WAKE, parse};
use crate::encoder::{EncoderError, Timer};

/// Section 13: how long the chip may take to say that it understood.
const ACK_LIMIT: Duration = Duration::from_millis(100);
/// Section 4.3: so many commands without an acknowledgement, and the encoder is away.
const TRIES: u32 = 3;
/// Section 4.3: how long the chip may take to end a command, 1 to 10 ms.
const ABORT_PAUSE: Duration = Duration::from_millis(5);

/// Room for several of the longest frames. What comes beyond it is noise and dropped, so that the buffer never moves and leaves
/// a copy behind.
const BUFFER: usize = 2048;
/// The most reads that throw away old input.
const MOST_DRAINED: u32 = 64;

/// Whether the chip may be asleep when it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// It may: it is woken before it is set up.
    First,
    /// The bridge before it sees to that.
    Never,
}

/// The chip's end of a byte stream.
pub(super) struct Line {
    link: Box<dyn ByteLink>,
    timer: Timer,
    wake: Wake,
    heard: Zeroizing<Vec<u8>>,
    /// Whether a command may still run, or its answer may still come.
    unsettled: bool,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("link", &self.link).finish_non_exhaustive()
    }
}

/// What came of a command.
enum Reply {
    Answer(Secret<Vec<u8>>),
    /// The chip understood the frame and not its content.
    Error,
}

/// What came of a frame that was sent.
enum Receipt {
    Acknowledged,
    /// The acknowledgement was lost, the answer was not.
    Replied(Reply),
    Silence,
}

impl Line {
    pub(super) fn new(link: Box<dyn ByteLink>, timer: Timer, wake: Wake) -> Self {
        Self { link, timer, wake, heard: Zeroizing::new(Vec::with_capacity(BUFFER)), unsettled: true }
    }

    /// Leads the chip out of whatever state it is in.
    pub(super) async fn wake(&mut self) -> Result<(), EncoderError> {
        for _ in 0..TRIES {
            if self.revive().await? {
                return Ok(());
            }
        }
        Err(LinkError::TimedOut.into())
    }

    /// Sends a command and returns its answer's data. What was not acknowledged is sent again, unless a card may be changed by it.
    pub(super) async fn ask(
        &mut self,
        command: &Command<'_>,
        limit: Duration,
    ) -> Result<Secret<Vec<u8>>, EncoderError> {
        let frame = command.frame().ok_or(EncoderError::Unsupported)?;
        let tries = if command.writes() { 1 } else { TRIES };
        let mut refused = false;
        self.settle().await?;
        for again in 0..tries {
            if again > 0 {
                self.revive().await?;
            }
            self.unsettled = true;
            self.link.write(&frame).await?;
            let reply = match self.receipt(command.code()).await? {
                Receipt::Silence => continue,
                Receipt::Replied(reply) => reply,
                Receipt::Acknowledged => self.reply(command.code(), limit).await?,
            };
            self.unsettled = false;
            match reply {
                Reply::Answer(data) => return Ok(data),
                // Noise that fooled the checksum does not come twice.
                Reply::Error if refused => return Err(EncoderError::Protocol),
                Reply::Error => refused = true,
            }
        }
        Err(if refused { EncoderError::Protocol } else { LinkError::TimedOut.into() })
    }

    /// Ends what still runs and forgets what it said.
    async fn settle(&mut self) -> Result<(), EncoderError> {
        self.heard.clear();
        if self.unsettled {
            self.link.write(&Secret::new(ACK.to_vec())).await?;
            self.timer.pause(ABORT_PAUSE).await;
            self.drain().await?;
            self.unsettled = false;
        }
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), EncoderError> {
        for _ in 0..MOST_DRAINED {
            match self.link.read(Duration::ZERO).await {
                Ok(_) => {}
                Err(LinkError::TimedOut) => break,
                Err(away) => return Err(away.into()),
            }
        }
        Ok(())
    }

    /// Wakes the chip and sets it up, in one breath; says whether it answered.
    async fn revive(&mut self) -> Result<bool, EncoderError> {
        let setup = Command::SamConfiguration;
        let frame = setup.frame().ok_or(EncoderError::Unsupported)?;
        let wake: &[u8] = if self.wake == Wake::First { &WAKE } else { &[] };
        // EXPOSE: a public constant, behind another.
        let bytes = [wake, frame.expose()].concat();
        self.heard.clear();
        self.unsettled = true;
        self.link.write(&Secret::new(bytes)).await?;
        let answered = match self.receipt(setup.code()).await? {
            Receipt::Silence => false,
            Receipt::Replied(reply) => matches!(reply, Reply::Answer(_)),
            Receipt::Acknowledged => match self.reply(setup.code(), ACK_LIMIT).await {
                Ok(reply) => matches!(reply, Reply::Answer(_)),
                Err(EncoderError::Link(LinkError::TimedOut) | EncoderError::Protocol) => false,
                Err(away) => return Err(away),
            },
        };
        self.unsettled = !answered;
        Ok(answered)
    }

    /// Waits for the acknowledgement.
    async fn receipt(&mut self, code: u8) -> Result<Receipt, EncoderError> {
        let mut deadline = self.timer.deadline(ACK_LIMIT);
        loop {
            while let Some(heard) = self.next() {
                match heard {
                    Heard::Ack => return Ok(Receipt::Acknowledged),
                    Heard::Reply(command, reply) if command.is_none_or(|command| command == code) => {
                        return Ok(Receipt::Replied(reply));
                    }
                    // The chip did not get the frame as it was sent.
                    Heard::Nack => return Ok(Receipt::Silence),
                    Heard::Reply(..) | Heard::Noise | Heard::Damaged => {}
                }
            }
            let Some(left) = self.timer.left(&mut deadline) else { return Ok(Receipt::Silence) };
            if !self.hear(left).await? {
                return Ok(Receipt::Silence);
            }
        }
    }

    /// Waits for the answer. One that came damaged is asked for again, once: the chip says its last answer a second time, so it
    /// is not asked where it may not have answered yet.
    async fn reply(&mut self, code: u8, limit: Duration) -> Result<Reply, EncoderError> {
        let mut deadline = self.timer.deadline(limit);
        let mut asked_again = false;
        loop {
            let mut damaged = false;
            while let Some(heard) = self.next() {
                match heard {
                    Heard::Reply(command, reply) if command.is_none_or(|command| command == code) => {
                        return Ok(reply);
                    }
                    Heard::Damaged => damaged = true,
                    // An answer to something else is an old one.
                    Heard::Reply(..) | Heard::Ack | Heard::Nack | Heard::Noise => {}
                }
            }
            let heard_more = match self.timer.left(&mut deadline) {
                _ if damaged => false,
                Some(left) => self.hear(left).await?,
                None => false,
            };
            // What is kept is the beginning of a frame, its length accepted.
            damaged |= !heard_more && self.heard.len() > 3;
            if damaged && !asked_again {
                asked_again = true;
                self.heard.clear();
                self.link.write(&Secret::new(NACK.to_vec())).await?;
                deadline = self.timer.deadline(ACK_LIMIT);
            } else if damaged {
                return Err(EncoderError::Protocol);
            } else if !heard_more {
                return Err(LinkError::TimedOut.into());
            }
        }
    }

    /// Takes in what comes; says whether anything came in time.
    async fn hear(&mut self, limit: Duration) -> Result<bool, EncoderError> {
        match self.link.read(limit).await {
            Ok(bytes) => {
                let room = BUFFER.saturating_sub(self.heard.len());
                // EXPOSE: into the buffer, which is wiped.
                let bytes = bytes.expose();
                self.heard.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                Ok(true)
            }
            Err(LinkError::TimedOut) => Ok(false),
            Err(away) => Err(away.into()),
        }
    }

    /// The next thing in the buffer.
    fn next(&mut self) -> Option<Heard> {
        let parsed = parse(&self.heard);
        let heard = parsed.part.map(|part| match part {
            Part::Ack => Heard::Ack,
            Part::Nack => Heard::Nack,
            Part::Error => Heard::Reply(None, Reply::Error),
            Part::Answer { command, data } => {
                Heard::Reply(Some(command), Reply::Answer(Secret::new(data.to_vec())))
            }
            Part::Broken(Flaw::Lcs | Flaw::Tfi) => Heard::Noise,
            Part::Broken(Flaw::Dcs | Flaw::NoCommand) => Heard::Damaged,
        });
        let used = parsed.used;
        self.heard.drain(..used);
        heard
    }
}

/// A [`Part`] that outlives the buffer.
enum Heard {
    Ack,
    Nack,
    /// An answer to this command; an error frame names none.
    Reply(Option<u8>, Reply),
    Noise,
    Damaged,
}

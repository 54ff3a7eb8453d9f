//! The desk's one port, and the cable from it to a simulated encoder.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError, ReportLink};
use lockport_sim_encoder::{Cable as _, Encoder as SimEncoder, Gone, Model, OpenError, Port};
use lockport_wiegand::encoder::{CardReader, Encoder, Pcsc, Pn532, Rrhfoem04, StrongLink, Timer};
use lockport_wiegand::{EncoderBus, EncoderModel, Plugged, UsbIdentity};

use crate::reader::SimReader;
use crate::time::LineTime;

/// Whoever stands between the driver and the cable: he hears what goes over it, and can cut it.
pub trait Between: fmt::Debug + Send + Sync + 'static {
    /// The cable of a serial encoder, as the driver gets it.
    fn bytes(&self, cable: Box<dyn ByteLink>) -> Box<dyn ByteLink>;

    /// The cable of a HID encoder, as the driver gets it.
    fn reports(&self, cable: Box<dyn ReportLink>) -> Box<dyn ReportLink>;
}

/// A bus with one simulated encoder on it. Clones are the same bus.
#[derive(Clone, Debug)]
pub struct SimBus {
    encoder: SimEncoder,
    time: LineTime,
    usb: Arc<Mutex<Option<UsbIdentity>>>,
    port: Arc<Mutex<String>>,
    between: Vec<Arc<dyn Between>>,
    reader: String,
}

impl SimBus {
    /// The encoder that this model is played by; `None` where nobody plays it.
    #[must_use]
    pub const fn played_by(model: EncoderModel) -> Option<Model> {
        match model {
            EncoderModel::Pn532Serial => Some(Model::Pn532),
            EncoderModel::Pn532Hid => Some(Model::Pn532Hid),
            EncoderModel::Stronglink => Some(Model::StrongLink),
            EncoderModel::Rrhfoem04 => Some(Model::Rrhfoem04),
            EncoderModel::Pcsc => Some(Model::Pcsc),
            _ => None,
        }
    }

    /// A bus with this encoder, of which USB says nothing.
    #[must_use]
    pub fn new(encoder: SimEncoder, time: LineTime) -> Self {
        let port = Arc::new(Mutex::new("the desk's port".to_owned()));
        let reader = "Simulated Reader 01".to_owned();
        Self { encoder, time, usb: Arc::default(), port, between: Vec::new(), reader }
    }

    /// With this as the name under which a PC/SC service has its reader.
    #[must_use]
    pub fn with_reader(mut self, name: &str) -> Self {
        name.clone_into(&mut self.reader);
        self
    }

    /// With somebody on the line, nearer to the driver than those before him.
    #[must_use]
    pub fn with_between(mut self, between: Arc<dyn Between>) -> Self {
        self.between.push(between);
        self
    }

    /// From now on USB says this of what is plugged in.
    pub fn set_usb(&self, usb: UsbIdentity) {
        *self.usb.lock().unwrap_or_else(PoisonError::into_inner) = Some(usb);
    }

    /// From now on the port at which the encoder is plugged in is called this.
    pub fn set_port(&self, name: &str) {
        name.clone_into(&mut self.port.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The time on the line.
    #[must_use]
    pub const fn time(&self) -> &LineTime {
        &self.time
    }

    /// What is plugged into the one port there is, whether the cable is in or not.
    #[must_use]
    pub fn plugged(&self) -> Plugged {
        let usb = self.usb.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Plugged { port: self.port.lock().unwrap_or_else(PoisonError::into_inner).clone(), usb }
    }

    /// The cable of a serial encoder, for whoever makes the driver's end himself.
    ///
    /// # Errors
    /// [`LinkError`] when the encoder is away, or somebody has its cable.
    pub fn serial(&self) -> Result<Box<dyn ByteLink>, LinkError> {
        self.serial_at(None)
    }

    fn serial_at(&self, baud: Option<u32>) -> Result<Box<dyn ByteLink>, LinkError> {
        let cable = self.cable()?;
        if let Some(baud) = baud {
            cable.port.set_speed(baud).map_err(|Gone| LinkError::Gone)?;
        }
        let cable: Box<dyn ByteLink> = Box::new(cable);
        Ok(self.between.iter().fold(cable, |cable, between| between.bytes(cable)))
    }

    /// The cable of a HID encoder.
    ///
    /// # Errors
    /// As [`serial`](Self::serial).
    pub fn hid(&self) -> Result<Box<dyn ReportLink>, LinkError> {
        let cable: Box<dyn ReportLink> = Box::new(self.cable()?);
        Ok(self.between.iter().fold(cable, |cable, between| between.reports(cable)))
    }

    /// The reader that a PC/SC service lends.
    ///
    /// # Errors
    /// As [`serial`](Self::serial).
    pub fn reader(&self) -> Result<Box<dyn CardReader>, LinkError> {
        Ok(Box::new(SimReader { line: self.serial()?, name: self.reader.clone() }))
    }

    fn cable(&self) -> Result<Cable, LinkError> {
        let port = self.encoder.open().map_err(|error| match error {
            OpenError::Busy => LinkError::Busy,
            _ => LinkError::Gone,
        })?;
        Ok(Cable { port, time: self.time.clone() })
    }
}

#[async_trait]
impl EncoderBus for SimBus {
    async fn list(&self) -> Result<Vec<Plugged>, LinkError> {
        Ok(self.encoder.is_plugged().then(|| self.plugged()).into_iter().collect())
    }

    async fn open(
        &self,
        _: &Plugged,
        model: EncoderModel,
        baud: Option<u32>,
    ) -> Result<Box<dyn Encoder>, LinkError> {
        // Nothing on the line is drawn at random.
        let timer = Timer::of(&self.time.env(0));
        Ok(match model {
            EncoderModel::Pn532Serial => Box::new(Pn532::new(self.serial_at(baud)?, timer)),
            EncoderModel::Pn532Hid => Box::new(Pn532::behind_bridge(self.hid()?, timer)),
            EncoderModel::Stronglink => Box::new(StrongLink::new(self.serial_at(baud)?, timer)),
            EncoderModel::Rrhfoem04 => Box::new(Rrhfoem04::new(self.hid()?, timer)),
            EncoderModel::Pcsc => Box::new(Pcsc::new(self.reader()?)),
            _ => return Err(LinkError::Denied),
        })
    }
}

/// The driver's end of the cable: its for good until it is dropped.
#[derive(Debug)]
struct Cable {
    port: Port,
    time: LineTime,
}

impl Cable {
    fn send(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        // EXPOSE: onto the simulated line.
        let done = self.port.write(self.time.now(), bytes.expose()).map_err(|Gone| LinkError::Gone)?;
        self.time.wait_until(done);
        Ok(())
    }

    fn receive(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        let deadline = self.time.now().saturating_add(timeout);
        loop {
            let received = self.port.read(self.time.now()).map_err(|Gone| LinkError::Gone)?;
            if !received.is_empty() {
                return Ok(Secret::new(received));
            }
            if self.time.now() >= deadline {
                return Err(LinkError::TimedOut);
            }
            self.time.wait_until(self.port.next_at().map_or(deadline, |next| next.min(deadline)));
        }
    }
}

#[async_trait]
impl ByteLink for Cable {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.send(bytes)
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.receive(timeout)
    }
}

#[async_trait]
impl ReportLink for Cable {
    async fn write(&self, report: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.send(report)
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.receive(timeout)
    }
}

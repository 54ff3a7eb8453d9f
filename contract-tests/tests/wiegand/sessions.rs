//! Who watches an encoder hears when it is opened and when it is closed, so that the bus can be told.

use std::sync::{Arc, Mutex, PoisonError};

use lockport::driver::CardDesk as _;
use lockport::id::LockDeviceId;
use lockport::keys::{EncoderClose, EncoderTransport};
use lockport_contract::Presence as _;
use lockport_contract::harness::WiegandBench;
use lockport_wiegand::{EncoderModel, EncoderWatch, WiegandDriver, WiegandEnv};

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Opened(LockDeviceId, EncoderModel),
    Closed(LockDeviceId, EncoderClose),
}

#[derive(Debug, Default)]
struct Ear(Mutex<Vec<Heard>>);

impl Ear {
    fn hear(&self, heard: Heard) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    }

    fn all(&self) -> Vec<Heard> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EncoderWatch for Ear {
    fn opened(&self, encoder: LockDeviceId, model: EncoderModel) {
        self.hear(Heard::Opened(encoder, model));
    }

    fn closed(&self, encoder: LockDeviceId, why: EncoderClose) {
        self.hear(Heard::Closed(encoder, why));
    }
}

/// R62, R219: an encoder is opened for its first job and stays open; one that was pulled out is closed with that word, and opened anew
/// when it is back; what the driver closes is closed gracefully.
#[tokio::test]
async fn an_encoders_sessions_are_heard() {
    for model in EncoderModel::ALL {
        let bench = WiegandBench::of(model, 0).unwrap();
        let (at, ear) = (bench.encoder(), Arc::new(Ear::default()));
        let (config, lent) = bench.lent().await.unwrap();
        let driver = WiegandDriver::new(config, WiegandEnv { watch: Some(ear.clone()), ..lent }).unwrap();
        let opened = || Heard::Opened(at, model);

        assert_eq!(ear.all(), []);
        assert!(driver.read_card(at).await.unwrap().is_none());
        assert!(driver.read_card(at).await.unwrap().is_none());
        assert_eq!(ear.all(), [opened()], "{model}");

        bench.encoder.unplug();
        driver.read_card(at).await.unwrap_err();
        driver.read_card(at).await.unwrap_err();
        assert_eq!(ear.all(), [Heard::Closed(at, EncoderClose::Unplugged)], "{model}");
        bench.encoder.plug();
        driver.encoder_health(at).await.unwrap();
        assert_eq!(ear.all(), [opened()], "{model}");

        // Pulled out and put back between two jobs.
        bench.encoder.unplug();
        bench.encoder.plug();
        driver.read_card(at).await.unwrap();
        assert_eq!(ear.all(), [Heard::Closed(at, EncoderClose::Unplugged), opened()], "{model}");
        drop(driver);
        assert_eq!(ear.all(), [Heard::Closed(at, EncoderClose::Graceful)], "{model}");
    }
}

/// Another device in the place of the encoder is no session.
#[tokio::test]
async fn what_was_not_paired_is_not_opened() {
    let bench = WiegandBench::of(EncoderModel::Pn532Serial, 0).unwrap();
    let ear = Arc::new(Ear::default());
    let (mut config, lent) = bench.lent().await.unwrap();
    config.encoders.values_mut().for_each(|own| own.firmware = "1.5".into());
    let driver = WiegandDriver::new(config, WiegandEnv { watch: Some(ear.clone()), ..lent }).unwrap();
    driver.read_card(bench.encoder()).await.unwrap_err();
    drop(driver);
    assert_eq!(ear.all(), []);
}

/// The words of the bus for what each model hangs at.
#[test]
fn every_model_has_its_transport() {
    let transports = EncoderModel::ALL.map(EncoderModel::transport);
    let (serial, hid) = (EncoderTransport::Serial, EncoderTransport::UsbHid);
    assert_eq!(transports, [serial, serial, hid, hid, EncoderTransport::Pcsc]);
}

//! Pairing: which of what is plugged in is the desk's encoder, and what it is known by from then on (R59, section 12).

use lockport::credential::WarningCode;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};
use lockport_sim_cable::{LineTime, SimBus};
use lockport_sim_encoder::{Encoder, Settings};
use lockport_wiegand::{EncoderModel, Paired, UsbIdentity, pair};

use crate::desk::now;

fn bus(model: EncoderModel, settings: Settings) -> (Encoder, SimBus) {
    let encoder = Encoder::with_settings(SimBus::played_by(model).unwrap(), settings);
    (encoder.clone(), SimBus::new(encoder, LineTime::apart()))
}

fn paired(bus: &SimBus, model: EncoderModel) -> Result<Paired, LockError> {
    now(pair(bus, &bus.plugged(), model, 3))
}

/// Everything by which it is found and told from others later is kept.
#[test]
fn each_encoder_is_known_by_what_it_and_usb_say() {
    for (model, firmware, baud) in [
        (EncoderModel::Pn532Serial, "1.6", None),
        (EncoderModel::Pn532Hid, "1.6", None),
        (EncoderModel::Stronglink, "SL025M-SIM1.0", Some(115_200)),
        (EncoderModel::Rrhfoem04, "RRHFOEM04-010600001234", None),
        (EncoderModel::Pcsc, "Simulated Reader 01", None),
    ] {
        let (_, bus) = bus(model, Settings::default());
        let usb = UsbIdentity { vendor_id: 4292, product_id: 60_000, serial: Some("0117A2C4".to_owned()) };
        bus.set_usb(usb.clone());
        let Paired { encoder, warnings } = paired(&bus, model).unwrap();
        assert_eq!((encoder.model, encoder.desk_slot, encoder.port.as_str()), (model, 3, "the desk's port"));
        assert_eq!((encoder.usb, encoder.baud), (Some(usb), baud), "{model}");
        assert_eq!(encoder.firmware, firmware, "{model}");
        assert!(warnings.is_empty(), "{model}: {warnings:?}");
    }
}

/// Section 12: cheap bridges share a serial number or have none, and somebody should know.
#[test]
fn an_encoder_that_usb_does_not_tell_from_others_is_paired_with_a_warning() {
    let model = EncoderModel::Pn532Serial;
    for usb in [None, Some("0001"), Some("")] {
        let (_, bus) = bus(model, Settings::default());
        if let Some(serial) = usb {
            let serial = Some(serial.to_owned());
            bus.set_usb(UsbIdentity { vendor_id: 0x10C4, product_id: 0xEA60, serial });
        }
        let codes: Vec<WarningCode> =
            paired(&bus, model).unwrap().warnings.iter().map(|own| own.code).collect();
        assert_eq!(codes, [WarningCode::SharedIdentity], "{usb:?}");
    }
}

/// Section 5: the speed is set on the board, so each is tried, and the one that is understood is kept.
#[test]
fn a_board_is_found_at_the_speed_that_it_is_set_to() {
    let model = EncoderModel::Stronglink;
    for speed in [115_200, 57_600, 38_400, 19_200, 9_600] {
        let (_, bus) = bus(model, Settings { speed: Some(speed), ..Settings::default() });
        assert_eq!(paired(&bus, model).unwrap().encoder.baud, Some(speed));
    }
    let (_, bus) = bus(model, Settings { speed: Some(4_800), ..Settings::default() });
    assert_eq!(paired(&bus, model).unwrap_err().code(), ErrorCode::CardEncoderOffline);
}

/// What is away, busy or something else is told apart.
#[test]
fn what_cannot_be_paired_is_told_by_its_word() {
    let model = EncoderModel::Pn532Serial;
    let is = |error: LockError| (error.code(), error.reason(), error.advice());
    let (encoder, away) = bus(model, Settings::default());
    encoder.unplug();
    let offline = (ErrorCode::CardEncoderOffline, FailureReason::DeviceOffline, RetryAdvice::NotApplied);
    assert_eq!(is(paired(&away, model).unwrap_err()), offline);
    let (_, taken) = bus(model, Settings::default());
    let _open = taken.serial().unwrap();
    let busy = (ErrorCode::CardEncoderOffline, FailureReason::PortBusy, RetryAdvice::NotApplied);
    assert_eq!(is(paired(&taken, model).unwrap_err()), busy);
    // A StrongLink does not understand a word.
    let (_, other) = bus(EncoderModel::Stronglink, Settings::default());
    assert_eq!(is(paired(&other, model).unwrap_err()), offline);
}

//! The HID link on a real device file, where `/dev/fuse` is there and may be used. What a bus lists comes from the machine's own
//! devices and is only looked at.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lockport::env::{HidBus as _, LinkError};
use lockport_sim_encoder::{Card, Encoder, Fault, Model, Step, What, serve_hidraw};
use lockport_wiegand::codec::rrhfoem04::{Command, REPORT_LEN, parse};
use lockport_wiegand::link::SystemHidBus;

#[tokio::test]
async fn a_reader_is_opened_asked_and_unplugged() {
    assert!(SystemHidBus.list().await.is_ok());
    assert_eq!(SystemHidBus.open("/nowhere/at-all").await.map(drop), Err(LinkError::Gone));
    if !Path::new("/dev/fuse").exists() {
        println!("skipped: there is no /dev/fuse");
        return;
    }
    let folder = std::env::temp_dir().join(format!("lockport-wiegand-hid-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let encoder = Encoder::new(Model::Rrhfoem04);
    encoder.put(&Card::classic_1k([0xA1, 0xB2, 0xC3, 0xD4]));
    let stop = Arc::new(AtomicBool::new(false));
    let (served, mounted, stopped) = (encoder.clone(), folder.clone(), Arc::clone(&stop));
    let thread =
        std::thread::spawn(move || serve_hidraw(&served, &mounted, || !stopped.load(Ordering::SeqCst)));
    let path = folder.join("hidraw0");
    while !path.exists() && !thread.is_finished() {
        std::thread::yield_now();
    }
    if thread.is_finished() {
        println!("skipped: {:?}", thread.join().unwrap());
        return;
    }
    let path = path.to_str().unwrap();
    let link = SystemHidBus.open(path).await.unwrap();
    assert_eq!(SystemHidBus.open(path).await.map(drop), Err(LinkError::Busy));
    assert_eq!(link.read(Duration::from_millis(20)).await.map(drop), Err(LinkError::TimedOut));
    link.write(&Command::Inventory.report()).await.unwrap();
    let report = link.read(Duration::from_secs(10)).await.unwrap();
    assert_eq!(report.expose().len(), REPORT_LEN);
    assert_eq!(parse(report.expose()).unwrap().data, [4, 0xA1, 0xB2, 0xC3, 0xD4]);
    encoder.fault(Fault::next(Step::Hello, What::Unplug));
    let _lost = link.write(&Command::Information.report()).await;
    assert_eq!(link.read(Duration::from_secs(10)).await.map(drop), Err(LinkError::Gone));
    drop(link);
    assert_eq!(SystemHidBus.open(path).await.map(drop), Err(LinkError::Gone));
    encoder.plug();
    drop(SystemHidBus.open(path).await.unwrap());
    stop.store(true, Ordering::SeqCst);
    thread.join().unwrap().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}

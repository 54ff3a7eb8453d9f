//! `lockport-sim encoder`: an encoder alone, for other people's programs to talk to.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::card::Card;
use crate::encoder::{Encoder, Model, Settings};

/// What `lockport-sim encoder` is told.
#[derive(Debug, Args)]
pub struct EncoderArgs {
    /// Which encoder.
    #[arg(long, value_enum)]
    model: ModelName,
    /// Where the device appears: a symbolic link to a pseudo-terminal, or for a HID encoder an empty folder.
    #[arg(long)]
    link: PathBuf,
    /// A card to put on it: an image of 1024 (Classic 1K), 64 (Ultralight) or 180 bytes (NTAG213). Can be repeated.
    #[arg(long)]
    image: Vec<PathBuf>,
    /// A new card to put on it, such as classic-1k:A1B2C3D4, ultralight:04A52B9A6F1D90 or ntag213:04A52B9A6F1D90. Can be
    /// repeated.
    #[arg(long)]
    card: Vec<NewCard>,
    /// Writes each image back to its file when the card has changed.
    #[arg(long)]
    save: bool,
    /// Holds a serial line to this speed, bits a second.
    #[arg(long)]
    pace: Option<u32>,
    /// The speed a serial board is set to: a client that opens it at another one is not understood.
    #[arg(long)]
    speed: Option<u32>,
    /// Lets cards take the time they take on the air.
    #[arg(long)]
    card_times: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModelName {
    Pn532,
    Pn532Hid,
    Stronglink,
    Rrhfoem04,
}

impl From<ModelName> for Model {
    fn from(name: ModelName) -> Self {
        match name {
            ModelName::Pn532 => Self::Pn532,
            ModelName::Pn532Hid => Self::Pn532Hid,
            ModelName::Stronglink => Self::StrongLink,
            ModelName::Rrhfoem04 => Self::Rrhfoem04,
        }
    }
}

/// A card as the command line describes it.
#[derive(Debug, Clone)]
struct NewCard(Card);

impl FromStr for NewCard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, uid) = text.split_once(':').ok_or("a card is KIND:UID")?;
        let digits = uid.as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> = digits
            .0
            .iter()
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let bytes = bytes.filter(|_| digits.1.is_empty()).ok_or("the serial number is not hexadecimal")?;
        let short = <[u8; 4]>::try_from(bytes.as_slice());
        let long = <[u8; 7]>::try_from(bytes.as_slice());
        match (kind, short, long) {
            ("classic-1k", Ok(uid), _) => Ok(Self(Card::classic_1k(uid))),
            ("classic-1k", _, Ok(uid)) => Ok(Self(Card::classic_1k_7(uid))),
            ("ultralight", _, Ok(uid)) => Ok(Self(Card::ultralight(uid))),
            ("ntag213", _, Ok(uid)) => Ok(Self(Card::ntag213(uid))),
            _ => Err("no such card: classic-1k with 4 or 7 bytes, ultralight or ntag213 with 7".into()),
        }
    }
}

/// Why an encoder cannot be run.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// An image cannot be used.
    Image(PathBuf, Box<dyn std::error::Error + Send + Sync>),
    /// The device cannot be made.
    Device(io::Error),
    /// This build or this system has no way to make such a device.
    Unsupported(&'static str),
}

impl fmt::Display for RunError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(path, why) => write!(formatter, "{}: {why}", path.display()),
            Self::Device(why) => write!(formatter, "the device cannot be made: {why}"),
            Self::Unsupported(why) => formatter.write_str(why),
        }
    }
}

impl std::error::Error for RunError {}

/// A card with the file its image lives in.
struct Kept {
    card: Card,
    path: PathBuf,
    saved: Vec<u8>,
}

impl Kept {
    fn load(path: &Path) -> Result<Self, RunError> {
        let failed = |why| RunError::Image(path.into(), why);
        let saved = std::fs::read(path).map_err(|why| failed(why.into()))?;
        let card = Card::from_image(&saved).map_err(|why| failed(why.into()))?;
        Ok(Self { card, path: path.into(), saved })
    }

    fn save(&mut self) -> io::Result<()> {
        let image = self.card.image();
        if image != self.saved {
            std::fs::write(&self.path, &image)?;
            self.saved = image;
        }
        Ok(())
    }
}

/// Runs an encoder until the process is ended.
///
/// # Errors
/// [`RunError`]
pub fn run_encoder(args: &EncoderArgs) -> Result<(), RunError> {
    let settings =
        Settings { baud: args.pace, speed: args.speed, card_times: args.card_times, ..Settings::default() };
    let encoder = Encoder::with_settings(args.model.into(), settings);
    let mut kept = args.image.iter().map(|path| Kept::load(path)).collect::<Result<Vec<_>, _>>()?;
    for card in kept.iter().map(|kept| &kept.card).chain(args.card.iter().map(|new| &new.0)) {
        encoder.put(card);
    }
    let mut trouble = None;
    let is_saving = args.save;
    let goes_on = || {
        if is_saving {
            trouble = kept.iter_mut().find_map(|kept| kept.save().err());
        }
        trouble.is_none()
    };
    serve(&encoder, &args.link, goes_on)?;
    trouble.map_or(Ok(()), |why| Err(RunError::Device(why)))
}

fn serve(encoder: &Encoder, link: &Path, goes_on: impl FnMut() -> bool + Send) -> Result<(), RunError> {
    let model = encoder.model();
    // Whoever started this waits for the line; when nobody reads it, that is no reason to stop.
    let _told = writeln!(io::stdout(), "{model:?} at {}", link.display());
    if model.is_hid() {
        #[cfg(all(target_os = "linux", feature = "fuse"))]
        return super::serve_hidraw(encoder, link, goes_on).map_err(RunError::Device);
        #[cfg(not(all(target_os = "linux", feature = "fuse")))]
        return Err(RunError::Unsupported("a HID device needs Linux, /dev/fuse and the feature `fuse`"));
    }
    #[cfg(unix)]
    return super::serve_pty(encoder, link, goes_on).map_err(RunError::Device);
    #[cfg(not(unix))]
    {
        drop(goes_on);
        Err(RunError::Unsupported("a pseudo-terminal needs a Unix"))
    }
}

//! Starts what sends the log's entries to the configured receiver.
//! Never without an entry that says where they go and from which on.
//! A receiver that is away stops nothing; a configuration that makes no sense stops the start.

use super::failure::Failure;
use crate::config::{Config, Confirmation, Syslog, SyslogFormat, layout};
use crate::oversight::{Format, LogReader, Receiver, ReceiverFiles, ShipSettings, Shipper};
use crate::trail::{Announcement, Trail};

/// Starts it, if a receiver is configured.
pub(super) async fn start(
    config: &Config,
    trail: &Trail,
    log: LogReader,
) -> Result<Option<Shipper>, Failure> {
    let Some(syslog) = &config.syslog else { return Ok(None) };
    let fail = |error| Failure::failed("the receiver of the log's entries", &error);
    let receiver = Receiver::open(&files(syslog)).map_err(fail)?;
    let format = match syslog.format {
        SyslogFormat::Cef => Format::Cef,
        SyslogFormat::Ocsf => Format::Ocsf,
    };
    let directory = config.directory.join(layout::SHIP);
    let origin = config.origin.clone();
    let settings = ShipSettings { directory, log, origin, format, receiver };
    let shipper = Shipper::start(settings).map_err(fail)?;
    let mut digest = [0; 32];
    let address = ring::digest::digest(&ring::digest::SHA256, syslog.address.as_bytes());
    digest.copy_from_slice(address.as_ref());
    let shipping = Announcement::Shipping { receiver: digest, from: shipper.confirmed() };
    let recorded = trail.announce(shipping).await;
    recorded.map_err(|error| Failure::storage("the start cannot be recorded", &error))?;
    Ok(Some(shipper))
}

/// Whether the files of the receiver, if one is configured, are what they should be. Nobody is called.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    let Some(syslog) = &config.syslog else { return Ok(()) };
    let opened = Receiver::open(&files(syslog));
    opened.map(drop).map_err(|error| Failure::failed("the receiver of the log's entries", &error))
}

fn files(syslog: &Syslog) -> ReceiverFiles {
    ReceiverFiles {
        address: syslog.address.clone(),
        name: syslog.name().to_owned(),
        authorities: syslog.authorities.clone(),
        own: syslog.certificate.clone().zip(syslog.key.clone()),
        plain_end_confirms: syslog.confirmation == Confirmation::Tcp,
    }
}

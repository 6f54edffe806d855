//! Whose program is at the other end of a connection. Only Linux tells; elsewhere the secrets alone stand.

use std::net::SocketAddr;

/// Whether the system knows the other end as another user's. The administrator may read every program's memory anyway.
#[cfg(target_os = "linux")]
pub(super) fn is_another_user(from: SocketAddr, to: &str) -> bool {
    let Ok(to) = to.parse::<SocketAddr>() else {
        return false;
    };
    let ours = rustix::process::getuid().as_raw();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| std::fs::read_to_string(path).unwrap_or_default());
    tables
        .iter()
        .find_map(|table| owner(table, from, to))
        .is_some_and(|uid| uid != ours && uid != 0)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_another_user(_from: SocketAddr, _to: &str) -> bool {
    false
}

/// The user of the socket that is bound to `from` and connected to `to` (proc_net_tcp in the kernel's documentation).
/// A socket of IPv6 that speaks IPv4 has the same addresses behind a prefix.
#[cfg(target_os = "linux")]
fn owner(table: &str, from: SocketAddr, to: SocketAddr) -> Option<u32> {
    let (from, to) = (shown(from)?, shown(to)?);
    table.lines().find_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let is_it = columns.next()?.ends_with(&from) && columns.next()?.ends_with(&to);
        let uid = columns.nth(4)?;
        is_it.then(|| uid.parse().ok()).flatten()
    })
}

/// An address as the kernel writes it: the bytes in the machine's order, then the port.
#[cfg(target_os = "linux")]
fn shown(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    Some(format!(
        "{:08X}:{:04X}",
        u32::from_ne_bytes(address.ip().octets()),
        address.port()
    ))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534        0 2 1 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1";
    const TABLE_6: &str = "   0: 0000000000000000FFFF00000100007F:C002 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000   501        0 4 1";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_of_the_other_end_is_found_and_not_our_own() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(owner(TABLE, at(0xC001), at(0x1F90)), Some(65534));
        assert_eq!(owner(TABLE_6, at(0xC002), at(0x1F90)), Some(501));
        assert_eq!(owner(TABLE, at(0xC003), at(0x1F90)), None);
    }
}

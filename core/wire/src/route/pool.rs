//! Which of the pooled connections between two servers carries an account. Not here: which connection
//! has which number.

/// The number of the pooled connection that carries `account`, from 0 to `pool_size` - 1: FNV-1a
/// (32 bits) of the name modulo the size, as all servers of a cluster must have it. 0 for a pool of one
/// or none.
///
/// Where both sides have different sizes, each sends the interest of an account by its own size, and
/// reads by the other's.
pub fn pool_index(pool_size: u32, account: &[u8]) -> u32 {
    if pool_size <= 1 {
        return 0;
    }
    let hash = account.iter().fold(0x811c_9dc5_u32, |hash, &b| {
        (hash ^ u32::from(b)).wrapping_mul(0x0100_0193)
    });
    hash % pool_size
}

#[cfg(test)]
mod tests {
    use super::pool_index;

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vectors of FNV-1a, 32 bits, modulo the largest size.
        let size = u32::MAX;
        assert_eq!(pool_index(size, b""), 0x811c_9dc5);
        assert_eq!(pool_index(size, b"a"), 0xe40c_292c);
        assert_eq!(pool_index(size, b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn accounts_are_where_go_servers_have_them() {
        for (size, account, index) in [
            (5, "A1", 2),
            (3, "A1", 2),
            (5, "B2", 1),
            (3, "B2", 0),
            (5, "TENANT", 2),
            (3, "TENANT", 2),
            (3, "A", 0),
            (2, "P", 1),
        ] {
            assert_eq!(pool_index(size, account.as_bytes()), index, "{account}");
        }
    }

    #[test]
    fn a_pool_of_one_has_but_one_place() {
        for size in [0, 1] {
            assert_eq!(pool_index(size, b"A"), 0);
        }
    }
}

//! A keychain that fails at each step of the work, and the state afterwards.

use super::fake::{Death, Fake};
use super::*;

#[tokio::test]
async fn interrupted_write_leaves_the_complete_old_secret_or_the_complete_new_one() {
    let lengths = [None, Some(10), Some(3_000), Some(7_000)];
    for old in lengths {
        for new in lengths.into_iter().flatten() {
            for death in [Death::Before, Death::After] {
                interrupt_write(old, new, death).await;
            }
        }
    }
}

async fn interrupt_write(old: Option<usize>, new: usize, death: fn(u32) -> Death) {
    let (old, new) = (old.map(|length| bytes(1, length)), bytes(2, new));
    for nth in 0.. {
        let fake = Fake::new();
        if let Some(old) = &old {
            // Twice, so that both slots were in use.
            write(&vault(&fake), &grant(), &bytes(3, 5_000))
                .await
                .expect("keychain is well");
            write(&vault(&fake), &grant(), old)
                .await
                .expect("keychain is well");
        }

        fake.die(Some(death(nth)));
        let outcome = write(&vault(&fake), &grant(), &new).await;
        let died = fake.operations() > nth;
        fake.die(None);

        let found = read(&vault(&fake), &grant())
            .await
            .expect("what is there is whole");
        if outcome.is_ok() {
            assert_eq!(found.as_ref(), Some(&new), "written at {:?}", death(nth));
        } else {
            assert!(
                found == old || found.as_ref() == Some(&new),
                "a mix at {:?}",
                death(nth)
            );
        }

        let entries = fresh_entries(&fake, nth).await;
        assert_eq!(
            entries,
            fake.users().len(),
            "left-overs at {:?}",
            death(nth)
        );
        vault(&fake)
            .delete(&grant())
            .await
            .expect("keychain is well");
        assert_eq!(
            fake.users(),
            Vec::<String>::new(),
            "left-overs at {:?}",
            death(nth)
        );
        if !died {
            return;
        }
    }
}

/// Writes once more after an interruption and returns the number of entries that the record counts.
async fn fresh_entries(fake: &Fake, nth: u32) -> usize {
    let value = bytes(9, if nth.is_multiple_of(2) { 20 } else { 2_500 });
    write(&vault(fake), &grant(), &value)
        .await
        .expect("keychain is well");
    vault(fake)
        .entries(&grant())
        .await
        .expect("keychain is well") as usize
}

#[tokio::test]
async fn interrupted_delete_leaves_the_old_secret_or_none_and_can_be_finished() {
    for death in [Death::Before as fn(u32) -> Death, Death::After] {
        for nth in 0.. {
            let (fake, old) = (Fake::new(), bytes(1, 7_000));
            write(&vault(&fake), &grant(), &old)
                .await
                .expect("keychain is well");
            fake.die(Some(death(nth)));
            let outcome = vault(&fake).delete(&grant()).await;
            let died = fake.operations() > nth;
            fake.die(None);

            let found = read(&vault(&fake), &grant())
                .await
                .expect("what is there is whole");
            assert!(
                found.is_none() || (outcome.is_err() && found == Some(old)),
                "at {:?}",
                death(nth)
            );
            vault(&fake)
                .delete(&grant())
                .await
                .expect("keychain is well");
            assert_eq!(
                fake.users(),
                Vec::<String>::new(),
                "left-overs at {:?}",
                death(nth)
            );
            if !died {
                break;
            }
        }
    }
}

#[tokio::test]
async fn keychain_that_breaks_once_is_connected_again_and_the_work_done() {
    for nth in 0..20 {
        let (fake, value) = (Fake::new(), bytes(2, 5_000));
        write(&vault(&fake), &grant(), &bytes(1, 5_000))
            .await
            .expect("keychain is well");
        fake.die(Some(Death::Hiccup(nth)));
        let vault = vault(&fake);
        write(&vault, &grant(), &value)
            .await
            .expect("a second attempt succeeds");
        fake.die(None);
        assert_eq!(
            read(&vault, &grant()).await.expect("keychain is well"),
            Some(value),
            "at {nth}"
        );
        vault.delete(&grant()).await.expect("keychain is well");
        assert_eq!(fake.users(), Vec::<String>::new(), "at {nth}");
    }
}

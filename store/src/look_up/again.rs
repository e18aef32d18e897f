//! A look-up that is kept by a program that runs for long: it looks again, and at more.

use super::{Found, Known, LookUp, Wanted, is_present, is_said_of, sorted};
use crate::error::StoreError;

impl LookUp {
    /// What is here now of this: what others have published since is found, and what is gone since is not. What was not asked for before is from now on.
    pub fn look_again(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        let mut known = self.known();
        let keys = wanted.iter().flat_map(Wanted::keys);
        if keys.clone().all(|key| known.keys.binary_search(&key).is_ok()) {
            known.refresh(&self.store, self.today)?;
        } else {
            let all = sorted(known.keys.iter().cloned().chain(keys));
            *known = Known::read(&self.store, all, self.today)?;
        }
        Ok(wanted.iter().map(|wanted| known.find_again(self, wanted)).collect())
    }
}

impl Known {
    /// What is still here of what was found.
    fn find_again(&mut self, look_up: &LookUp, wanted: &Wanted) -> Option<Found> {
        wanted.keys().iter().find_map(|key| {
            let found = *self.present.get(key)?;
            let is_said = is_said_of(&look_up.store, key, &found.blob);
            if is_said && is_present(&look_up.store, found) {
                return Some(found);
            }
            self.present.remove(key);
            if is_said {
                self.recorded.insert(key.clone(), found.blob);
            }
            None
        })
    }
}

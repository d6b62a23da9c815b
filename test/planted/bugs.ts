// The bugs that the simulator must find, each a mistake that somebody made or could make: the laws of
// docs/internals/raft.md, the rules of the Raft paper and thesis, and bugs that etcd shipped. None is a mere crash.

import { consensusBugs } from './bugs-consensus.ts';
import { membershipBugs } from './bugs-membership.ts';
import { readBugs } from './bugs-reads.ts';
import { stateBugs } from './bugs-state.ts';
import { storageBugs } from './bugs-storage.ts';
import type { PlantedBug } from './plant.ts';

export const plantedBugs: readonly PlantedBug[] = [...storageBugs, ...consensusBugs, ...membershipBugs, ...readBugs, ...stateBugs];

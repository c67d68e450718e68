import { topology } from '../support/topology.ts'

/** Imported before the tests of another file, which then run with keys and objects apart. */
topology.split = true

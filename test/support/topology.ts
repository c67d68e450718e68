/** How `startHouse` builds: everything in one process, or the objects half with its keys in another process. */
export const topology = { split: false }

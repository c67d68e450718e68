import type { IamState } from './state.ts'

/** For decisions that let nobody do anything: no policy is noted to have been of use. `without`: nor is this one there. */
export function unnoted(state: IamState, without?: string): IamState {
  const { find } = state.policies
  return {
    ...state,
    policies: {
      ...state.policies,
      notePermit: () => {},
      find: (subject, target, wanted) =>
        find(subject, target, (compiled) => compiled.policy.id !== without && wanted(compiled)),
    },
  }
}

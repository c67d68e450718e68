import type { ServiceName } from './principal.ts'

/** What IBM's global catalog calls a service and its plans; a plan may also be named. */
export interface CatalogEntry {
  readonly service: Exclude<ServiceName, 'iam'>
  readonly resourceId: string
  /** By id; the first is the one of an instance that was declared. */
  readonly plans: Readonly<Record<string, string>>
}

export const CATALOG: readonly CatalogEntry[] = [
  {
    service: 'cloud-object-storage',
    resourceId: 'dff97f5c-bc5e-4455-b470-411c3edbe49c',
    plans: {
      '744bfc56-d12c-4866-88d5-dac9139e0e5d': 'standard',
      '2fdf0c08-2d32-4f46-84b5-32e0c92fffd8': 'lite',
      '1e4e33e4-cfa6-4f12-9016-be594a6d5f87': 'cos-one-rate-plan',
    },
  },
  {
    service: 'kms',
    resourceId: 'ee41347f-b18e-4ca6-bf80-b5467c63f9a6',
    plans: { 'eedd3585-90c6-4c8f-be3d-062069e99fc3': 'tiered-pricing' },
  },
]

export interface Plan {
  readonly entry: CatalogEntry
  readonly id: string
}

/** By id or by name. */
export function findPlan(plan: string): Plan | undefined {
  for (const entry of CATALOG) {
    const found = Object.entries(entry.plans).find(([id, name]) => id === plan || name === plan)
    if (found) return { entry, id: found[0] }
  }
  return undefined
}

/** Of an instance that nobody chose a plan for. */
export const defaultPlanId = (service: ServiceName): string =>
  Object.keys(CATALOG.find((entry) => entry.service === service)?.plans ?? {})[0] ?? ''

export const resourceIdOf = (service: ServiceName): string =>
  CATALOG.find((entry) => entry.service === service)?.resourceId ?? ''

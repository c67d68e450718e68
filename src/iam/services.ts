import type { Role, ServiceName } from './principal.ts'

/** `service`: what an account has instances of. `platform_service`: the account itself. */
export const SERVICE_TYPES = ['service', 'platform_service'] as const

export const serviceTypeOf = (service: ServiceName): (typeof SERVICE_TYPES)[number] =>
  service === 'iam' ? 'platform_service' : 'service'

export const isServiceOfType = (service: ServiceName, type: string): boolean => serviceTypeOf(service) === type

/** Service roles, the least first. IAM itself is used by platform roles. */
export const SERVICE_ROLES: Readonly<Record<ServiceName, readonly Role[]>> = {
  kms: ['Reader', 'ReaderPlus', 'Writer', 'Manager', 'KeyPurge'],
  'cloud-object-storage': ['ObjectReader', 'ObjectWriter', 'ContentReader', 'Reader', 'Writer', 'Manager'],
  iam: [],
}

import { type Api, defineApi } from '../common/api.ts'
import type { AdminOptions } from './context.ts'
import { OPERATIONS } from './operations/index.ts'
import { adminProtocol } from './protocol.ts'

/** `/admin/v1`: what root keys are used for, and moving data keys from one to another. */
export const adminApi = (options: AdminOptions): Api => defineApi(adminProtocol(options), OPERATIONS)

import type { ServiceName } from './principal.ts'

export interface Instance {
  /** `crn:v1:bluemix:public:<service>:<region>:a/<account>:<guid>::` */
  readonly crn: string
  readonly guid: string
  readonly service: ServiceName
  /** `global` for cloud-object-storage */
  readonly region: string
  readonly accountId: string
  readonly name: string
}

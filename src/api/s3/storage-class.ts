import type { ObjectProperties, PlainProperties } from '../../objects/object-properties.ts'
import { S3Error } from './error-codes.ts'
import type { StoreSettings } from './operation.ts'
import type { S3Request } from './request.ts'

const HEADER = 'x-amz-storage-class'
export const STANDARD = 'STANDARD'

/** As an upload asks for it. STANDARD is what is not said of an object. */
export function wantedStorageClass({ headers }: Pick<S3Request, 'headers'>): Pick<PlainProperties, 'storageClass'> {
  const storageClass = headers.get(HEADER)
  return storageClass === undefined || storageClass === STANDARD ? {} : { storageClass }
}

/** Before a byte is stored: each class is a store of its own, and what has none is no class. */
export function checkStorageClass(
  { storageClass = STANDARD }: ObjectProperties,
  { storageClasses }: Pick<StoreSettings, 'storageClasses'>,
): void {
  if (!storageClasses.includes(storageClass)) throw new S3Error('InvalidStorageClass')
}

export const shownStorageClass = ({ storageClass = STANDARD }: PlainProperties): string => storageClass

/** S3: of a STANDARD object it is not told. */
export const storageClassHeader = ({ storageClass }: PlainProperties): { readonly [HEADER]?: string } =>
  storageClass === undefined ? {} : { [HEADER]: storageClass }

import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { sessionState } from '../client/session.ts'
import { useStore } from '../client/store.ts'
import { dropUploadsOf, keptUploads, ownerNow } from './kept.ts'
import { uploads } from './upload-list.ts'

/** Over all pages while there is something in it. Its code comes when there is. */
export function TrayHost() {
  const isNeeded = useStore(uploads).length > 0
  const [Tray, setTray] = useState<ComponentType>()
  useStore(sessionState)
  const owner = ownerNow()
  useEffect(() => {
    if (keptUploads(owner).length > 0) void import('./uploader.ts').then(({ findKeptUploads }) => findKeptUploads())
    // By signing out, or when somebody else signs in: not when the page is closed.
    return () => {
      dropUploadsOf(owner)
      if (uploads.get().length > 0) void import('./uploader.ts').then(({ leaveAll }) => leaveAll())
    }
  }, [owner])
  useEffect(() => {
    if (isNeeded) void import('./tray.tsx').then((loaded) => setTray(() => loaded.Tray))
  }, [isNeeded])
  return isNeeded && Tray ? <Tray /> : null
}

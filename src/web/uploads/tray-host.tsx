import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../client/store.ts'
import { keptUploads } from './kept.ts'
import { uploads } from './upload-list.ts'

/** Over all pages while there is something in it. Its code comes when there is. */
export function TrayHost() {
  const isNeeded = useStore(uploads).length > 0
  const [Tray, setTray] = useState<ComponentType>()
  useEffect(() => {
    if (keptUploads().length > 0) void import('./uploader.ts').then(({ findKeptUploads }) => findKeptUploads())
  }, [])
  useEffect(() => {
    if (isNeeded) void import('./tray.tsx').then((loaded) => setTray(() => loaded.Tray))
  }, [isNeeded])
  return isNeeded && Tray ? <Tray /> : null
}

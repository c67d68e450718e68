// Velero's own backup store over its AWS plugin, which runs as the process that Velero starts: what a Velero server does
// with a bucket. Arguments: a step and what it is about. Says what is wrong by failing.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	api "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"github.com/vmware-tanzu/velero/pkg/persistence"
	"github.com/vmware-tanzu/velero/pkg/plugin/clientmgmt"
	"github.com/vmware-tanzu/velero/pkg/plugin/clientmgmt/process"
	"github.com/vmware-tanzu/velero/pkg/plugin/framework"
	"github.com/vmware-tanzu/velero/pkg/plugin/velero"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const largeBytes = 30*1024*1024 + 1

type world struct {
	bucket  string
	objects velero.ObjectStore
	store   persistence.BackupStore
}

var steps = map[string]func(world){
	"backup": backup, "read": read, "urls": urls, "restore": restore, "objects": objects, "delete": remove,
}

func main() {
	// Velero starts itself, too, to ask for the plugins that it brings along: here there are none.
	if os.Args[1] == "run-plugins" {
		framework.NewServer().Serve()
		return
	}
	step, bucket := steps[os.Args[1]], os.Args[2]
	if step == nil {
		panic("no such step")
	}
	logger := logrus.New()
	logger.SetOutput(os.Stderr)
	logger.SetLevel(logrus.WarnLevel)
	registry := process.NewRegistry(os.Getenv("PLUGIN_DIR"), logger, logrus.WarnLevel)
	must(registry.DiscoverPlugins())
	manager := clientmgmt.NewManager(logger, logrus.WarnLevel, registry)
	defer manager.CleanupClients()
	config := map[string]string{
		"region": os.Getenv("S3_REGION"), "s3ForcePathStyle": "true", "s3Url": os.Getenv("S3_URL"),
	}
	if algorithm, given := os.LookupEnv("CHECKSUM_ALGORITHM"); given {
		config["checksumAlgorithm"] = algorithm
	}
	location := &api.BackupStorageLocation{Spec: api.BackupStorageLocationSpec{
		Provider:    "velero.io/aws",
		Config:      config,
		StorageType: api.StorageType{ObjectStorage: &api.ObjectStorageLocation{Bucket: bucket, Prefix: "cluster-one"}},
	}}
	store := valueOf(persistence.NewObjectBackupStoreGetter(nil).Get(location, manager, logger))
	step(world{bucket: bucket, objects: valueOf(manager.GetObjectStore("velero.io/aws")), store: store})
}

// Makes two backups, one with large content, which goes up in parts.
func backup(world world) {
	must(world.store.IsValid())
	for _, name := range []string{"nightly-1", "nightly-2"} {
		meta := api.Backup{
			TypeMeta:   meta.TypeMeta{APIVersion: "velero.io/v1", Kind: "Backup"},
			ObjectMeta: meta.ObjectMeta{Name: name, Namespace: "velero"},
		}
		must(world.store.PutBackup(persistence.BackupInfo{
			Name:                     name,
			Metadata:                 bytes.NewReader(valueOf(json.Marshal(meta))),
			Contents:                 bytes.NewReader(content(name)),
			Log:                      zipped("log of " + name),
			BackupResults:            zipped("{}"),
			PodVolumeBackups:         zipped("[]"),
			VolumeSnapshots:          zipped("[]"),
			BackupItemOperations:     zipped("[]"),
			BackupResourceList:       zipped("{}"),
			CSIVolumeSnapshotClasses: zipped("[]"),
			BackupVolumeInfo:         zipped("[]"),
		}))
	}
	must(world.store.PutBackupItemOperations("nightly-1", zipped("[]")))
	must(world.store.IsValid())
}

func read(world world) {
	names := valueOf(world.store.ListBackups())
	slices.Sort(names)
	same("backups", fmt.Sprint(names), "[nightly-1 nightly-2]")
	for _, name := range names {
		same("there", valueOf(world.store.BackupExists(world.bucket, name)), true)
		same("name", valueOf(world.store.GetBackupMetadata(name)).Name, name)
		reader := valueOf(world.store.GetBackupContents(name))
		same("contents", hash(valueOf(io.ReadAll(reader))), hash(content(name)))
		must(reader.Close())
		same("volumes", len(valueOf(world.store.GetPodVolumeBackups(name))), 0)
		same("snapshots", len(valueOf(world.store.GetBackupVolumeSnapshots(name))), 0)
		same("operations", len(valueOf(world.store.GetBackupItemOperations(name))), 0)
		// Not stored: asked for by HeadObject first.
		same("CSI snapshots", len(valueOf(world.store.GetCSIVolumeSnapshots(name))), 0)
	}
	same("not there", valueOf(world.store.BackupExists(world.bucket, "nightly-3")), false)
}

// What `velero backup logs` and `velero backup download` fetch.
func urls(world world) {
	log := get(valueOf(world.store.GetDownloadURL(api.DownloadTarget{Kind: api.DownloadTargetKindBackupLog, Name: "nightly-1"})))
	same("log", string(valueOf(io.ReadAll(valueOf(gzip.NewReader(bytes.NewReader(log)))))), "log of nightly-1")
	target := api.DownloadTarget{Kind: api.DownloadTargetKindBackupContents, Name: "nightly-2"}
	same("contents", hash(get(valueOf(world.store.GetDownloadURL(target)))), hash(content("nightly-2")))
}

func restore(world world) {
	must(world.store.PutRestoreLog("nightly-1", "restore-1", zipped("log")))
	must(world.store.PutRestoreResults("nightly-1", "restore-1", zipped("{}")))
	must(world.store.PutRestoredResourceList("restore-1", zipped(`{"v1/Pod":["one"]}`)))
	must(world.store.PutRestoreItemOperations("restore-1", zipped("[]")))
	same("resources", len(valueOf(world.store.GetRestoredResourceList("restore-1"))["v1/Pod"]), 1)
	must(world.store.DeleteRestore("restore-1"))
}

// The plugin's interface itself, with more keys than a page has.
func objects(world world) {
	for number := range 1100 {
		key := fmt.Sprintf("plain/%d/%04d", number%3, number)
		must(world.objects.PutObject(world.bucket, key, bytes.NewReader([]byte(key))))
	}
	prefixes := valueOf(world.objects.ListCommonPrefixes(world.bucket, "plain/", "/"))
	same("prefixes", fmt.Sprint(prefixes), "[plain/0/ plain/1/ plain/2/]")
	keys := valueOf(world.objects.ListObjects(world.bucket, "plain/"))
	same("keys", len(keys), 1100)
	signed := valueOf(world.objects.CreateSignedURL(world.bucket, keys[7], time.Minute))
	same("signed", string(get(signed)), keys[7])
	reader := valueOf(world.objects.GetObject(world.bucket, keys[8]))
	same("object", string(valueOf(io.ReadAll(reader))), keys[8])
	must(reader.Close())
	for _, key := range keys {
		must(world.objects.DeleteObject(world.bucket, key))
	}
	same("there", valueOf(world.objects.ObjectExists(world.bucket, keys[0])), false)
	// The plugin's answer comes as a stream, and so does its error.
	if reader, err := world.objects.GetObject(world.bucket, keys[0]); err == nil {
		if _, err := io.ReadAll(reader); err == nil {
			panic("a deleted object was read")
		}
	}
	must(world.objects.DeleteObject(world.bucket, keys[0]))
}

func remove(world world) {
	for _, name := range []string{"nightly-1", "nightly-2"} {
		must(world.store.DeleteBackup(name))
	}
	same("backups", len(valueOf(world.store.ListBackups())), 0)
	same("keys", len(valueOf(world.objects.ListObjects(world.bucket, ""))), 0)
}

func content(seed string) []byte {
	if seed == "nightly-1" {
		return []byte(seed)
	}
	block := sha256.Sum256([]byte(seed))
	return bytes.Repeat(block[:], largeBytes/len(block)+1)[:largeBytes]
}

func zipped(text string) io.Reader {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	valueOf(writer.Write([]byte(text)))
	must(writer.Close())
	return bytes.NewReader(out.Bytes())
}

func get(url string) []byte {
	reply := valueOf(http.Get(url))
	defer reply.Body.Close()
	same("status", reply.StatusCode, http.StatusOK)
	return valueOf(io.ReadAll(reply.Body))
}

func hash(bytes []byte) string { return fmt.Sprintf("%x", sha256.Sum256(bytes)) }

func same[T comparable](what string, got, wanted T) {
	if got != wanted {
		panic(fmt.Sprintf("%s: got %v, wanted %v", what, got, wanted))
	}
}

func valueOf[T any](value T, err error) T {
	must(err)
	return value
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

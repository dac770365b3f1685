// Package etcd runs the single-member etcd of one cluster, on Unix sockets only.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Endpoint is what kube-apiserver dials. It is relative to the working directory, which
// is the state directory: a full path would often exceed the 104 to 108 bytes that the
// name of a socket may have.
const Endpoint = "unix://" + clientSocket

const (
	clientSocket = "etcd.sock"
	peerSocket   = "etcd-peer.sock"
)

// ErrUnreadable is returned where the data is there and cannot be made sense of. A
// refusal by the operating system (full disk, permissions) is not that.
var ErrUnreadable = errors.New("the data cannot be read")

// Start runs etcd on the data in dir/etcd and returns when it serves.
func Start(ctx context.Context, dir string) (*embed.Etcd, error) {
	server, err := open(configure(filepath.Join(dir, "etcd")))
	if err != nil {
		return nil, fmt.Errorf("starting etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return server, nil
	case err := <-server.Err():
		server.Close()
		return nil, fmt.Errorf("starting etcd: %w", err)
	case <-ctx.Done():
		server.Close()
		return nil, fmt.Errorf("starting etcd: %w", context.Cause(ctx))
	}
}

// open turns what etcd does on damaged data, which is to panic or to fail, into
// ErrUnreadable.
func open(cfg *embed.Config) (server *embed.Etcd, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v", ErrUnreadable, cause)
		}
	}()
	if err = check(filepath.Join(cfg.Dir, "member", "snap", "db")); err == nil {
		server, err = embed.StartEtcd(cfg)
	}
	var refused syscall.Errno
	if err != nil && !errors.As(err, &refused) {
		err = fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return server, err
}

// check opens the database once before etcd does, which would panic out of reach.
func check(path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	database, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	return database.Close()
}

func configure(dataDir string) *embed.Config {
	client, peer := socket(clientSocket), socket(peerSocket)
	cfg := embed.NewConfig()
	cfg.Dir = dataDir
	cfg.Name = "embedded"
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger())
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = client, client
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = peer, peer
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	// A lone member wins every election: a short timeout only makes the start faster.
	cfg.TickMs, cfg.ElectionMs = 20, 100
	// Written data survives the process, which is what a disposable cluster needs;
	// waiting for the disk would only guard against the loss of power.
	cfg.UnsafeNoFsync = true
	return cfg
}

// logger writes warnings to standard error. Its Fatal panics, so that open can tell.
func logger() *zap.Logger {
	core := zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(os.Stderr), zap.WarnLevel)
	return zap.New(core, zap.WithFatalHook(zapcore.WriteThenPanic))
}

func socket(name string) []url.URL { return []url.URL{{Scheme: "unix", Host: name}} }

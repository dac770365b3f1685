package etcd

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/program"
)

// StartProgram runs the program etcd of the directory assets on the data in dir/etcd and
// returns when it serves. It outlives the context, until stop is called: the API server
// goes first.
func StartProgram(starting context.Context, assets, dir string) (stop func(), err error) {
	client, peer := "unix://"+clientSocket, "unix://"+peerSocket
	ctx, cancel := context.WithCancel(context.WithoutCancel(starting))
	command := program.New(ctx, filepath.Join(assets, "etcd"),
		"--name=embedded", "--data-dir="+filepath.Join(dir, "etcd"), "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=embedded="+peer,
		"--heartbeat-interval=20", "--election-timeout=100", "--unsafe-no-fsync")
	if err := command.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("starting etcd: %w", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- command.Wait() }()
	for {
		if conn, err := net.Dial("unix", clientSocket); err == nil {
			return func() { cancel(); <-exited }, conn.Close() //nolint:errcheck // it was told to end
		}
		select {
		case err := <-exited:
			cancel()
			return nil, fmt.Errorf("starting etcd: it ended: %w", err)
		case <-starting.Done():
			cancel()
			<-exited //nolint:errcheck // it was told to end
			return nil, fmt.Errorf("starting etcd: %w", context.Cause(starting))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Package server puts the parts of the control plane together in one process.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"k8s.io/klog/v2"

	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/apiserver"
	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/controllers"
	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/etcd"
	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/pki"
	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/simulate"
)

const (
	serviceCIDR = "10.96.0.0/16"
	apiService  = "10.96.0.1"
	// stopTimeout is for each of kube-apiserver and etcd: two seconds in all.
	stopTimeout = 950 * time.Millisecond
)

// Options are the command line.
type Options struct {
	StateDir       string
	ExitWithParent bool
	// Assets is the directory of the programs etcd and kube-apiserver; empty for those
	// that are built in.
	Assets string
}

// Run brings the control plane up, writes the kubeconfig and, when everything works,
// the ready file, and runs until the context ends.
func Run(ctx context.Context, options Options) error {
	if err := enter(options.StateDir); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if options.ExitWithParent {
		watchParent(ctx, cancel)
	}
	defer os.Remove(readyFile)
	ctx = klog.NewContext(ctx, klog.Background())
	files, err := pki.Ensure("pki", net.ParseIP(apiService))
	if err != nil {
		return err
	}
	listener, err := listen()
	if err != nil {
		return err
	}
	closeStore, err := startStore(ctx, options.Assets)
	if err != nil {
		return err
	}
	defer closeWithin(stopTimeout, closeStore)
	egress, err := apiserver.BlockEgress(ctx, ".")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() {
		served <- apiserver.Run(ctx, apiserver.Config{
			Listener: listener, Etcd: etcd.Endpoint, Files: files, Egress: egress,
			AdvertiseAddress: net.ParseIP(simulate.FirstNodeAddress), ServiceCIDR: serviceCIDR,
			Assets: options.Assets,
		})
	}()
	started := make(chan error, 1)
	go func() { started <- start(ctx, listener.Addr(), files) }()
	return supervise(ctx, cancel, started, served)
}

// supervise waits until a part fails or the context ends, then lets the server finish.
func supervise(ctx context.Context, cancel context.CancelCauseFunc, started, served <-chan error) error {
	for {
		select {
		case err := <-started:
			if err != nil && ctx.Err() == nil {
				cancel(err)
				return err
			}
			started = nil
		case err := <-served:
			if ctx.Err() == nil {
				return errors.Join(errors.New("kube-apiserver stopped"), err)
			}
			return nil
		case <-ctx.Done():
			select {
			case <-served: //nolint:errcheck // it was told to end
			case <-time.After(stopTimeout):
			}
			if errors.Is(context.Cause(ctx), errOrphaned) {
				return errOrphaned
			}
			return nil
		}
	}
}

func startStore(ctx context.Context, assets string) (stop func(), err error) {
	if assets != "" {
		return etcd.StartProgram(ctx, assets, ".")
	}
	store, err := etcd.Start(ctx, ".")
	if err != nil {
		return nil, err
	}
	return store.Close, nil
}

// closeWithin does not wait longer than need be: all that etcd acknowledged is in its
// log already.
func closeWithin(timeout time.Duration, stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop()
	}()
	select {
	case <-done:
	case <-time.After(timeout):
	}
}

// start runs everything that needs an API, in the order of need, and then says so.
func start(ctx context.Context, address net.Addr, files pki.Files) error {
	if err := writeKubeconfig(address, files); err != nil {
		return err
	}
	config, err := restConfig()
	if err != nil {
		return err
	}
	if err := waitReady(ctx, config); err != nil {
		return err
	}
	shared, err := sharedInformers(config)
	if err != nil {
		return err
	}
	if err := simulate.Start(ctx, config, shared); err != nil {
		return err
	}
	if err := controllers.Start(ctx, config, shared, files.ServiceAccountKey); err != nil {
		return err
	}
	return writeReady(ctx, config)
}

// enter makes the state directory the working directory, private to the user.
func enter(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the state directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("making the state directory private: %w", err)
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("entering the state directory: %w", err)
	}
	return replace(pidFile, []byte(strconv.Itoa(os.Getpid())))
}

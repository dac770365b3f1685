// Package apiserver runs kube-apiserver in this process.
package apiserver

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/pki"
	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/program"
)

// Config is what the server needs from outside.
type Config struct {
	Listener net.Listener
	Etcd     string
	Files    pki.Files
	// Egress is the path of the egress selector configuration.
	Egress string
	// AdvertiseAddress is what the Service default/kubernetes leads to.
	AdvertiseAddress net.IP
	ServiceCIDR      string
	// Assets is the directory of the program kube-apiserver; empty for the built-in one.
	Assets string
}

// Run serves until the context ends.
func Run(ctx context.Context, c Config) error {
	if c.Assets != "" {
		return c.runProgram(ctx)
	}
	s := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range s.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(c.arguments()); err != nil {
		return fmt.Errorf("configuring kube-apiserver: %w", err)
	}
	s.SecureServing.Listener = c.Listener
	s.SecureServing.BindPort = c.Listener.Addr().(*net.TCPAddr).Port
	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("configuring kube-apiserver: %w", err)
	}
	// The server's own clients use deprecated types on purpose.
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := s.Complete(ctx)
	if err != nil {
		return fmt.Errorf("configuring kube-apiserver: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return fmt.Errorf("configuring kube-apiserver: %w", utilerrors.NewAggregate(errs))
	}
	if err := app.Run(ctx, completed); err != nil {
		return fmt.Errorf("running kube-apiserver: %w", err)
	}
	return nil
}

// runProgram gives the listener's port to another process.
func (c Config) runProgram(ctx context.Context) error {
	port := c.Listener.Addr().(*net.TCPAddr).Port
	if err := c.Listener.Close(); err != nil {
		return fmt.Errorf("running kube-apiserver: %w", err)
	}
	arguments := append(c.arguments(), "--secure-port="+strconv.Itoa(port))
	command := program.New(ctx, filepath.Join(c.Assets, "kube-apiserver"), arguments...)
	if err := command.Run(); err != nil {
		return fmt.Errorf("running kube-apiserver: %w", err)
	}
	return nil
}

func (c Config) arguments() []string {
	return []string{
		"--etcd-servers=" + c.Etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=" + c.AdvertiseAddress.String(),
		"--tls-cert-file=" + c.Files.ServerCert,
		"--tls-private-key-file=" + c.Files.ServerKey,
		"--client-ca-file=" + c.Files.CA,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.Files.ServiceAccountKey,
		"--service-account-signing-key-file=" + c.Files.ServiceAccountKey,
		"--service-cluster-ip-range=" + c.ServiceCIDR,
		"--authorization-mode=Node,RBAC",
		"--allow-privileged=true",
		"--egress-selector-config-file=" + c.Egress,
		// Nothing here would lift the protection of volumes, nor the taint of new nodes.
		"--disable-admission-plugins=StorageObjectInUseProtection,TaintNodesByCondition",
		// One trusted user: fairness among many would only cost start-up time.
		"--enable-priority-and-fairness=false",
		"--profiling=false",
	}
}

package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/pki"
)

// Files in the state directory, which is the working directory.
const (
	kubeconfigFile = "kubeconfig"
	readyFile      = "ready"
	portFile       = "port"
	pidFile        = "pid"
	keepFile       = "keep"
)

// Ready is the content of the ready file.
type Ready struct {
	PID     int    `json:"pid"`
	UID     string `json:"uid"`     // of kube-system
	Version string `json:"version"` // of the API server
}

// listen takes the port of the last run where it is free, so that a kubeconfig that
// somebody copied goes on to work, and any other free port of loopback if not.
func listen() (net.Listener, error) {
	if port, err := os.ReadFile(portFile); err == nil {
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", string(port))); err == nil {
			return listener, nil
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("finding a free port on loopback: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	return listener, os.WriteFile(portFile, []byte(port), 0o600)
}

// writeKubeconfig replaces the file as a whole: readers never see a part of it.
func writeKubeconfig(address net.Addr, files pki.Files) error {
	config := clientcmdapi.NewConfig()
	cluster, user := clientcmdapi.NewCluster(), clientcmdapi.NewAuthInfo()
	cluster.Server = "https://" + address.String()
	for path, field := range map[string]*[]byte{
		files.CA:        &cluster.CertificateAuthorityData,
		files.AdminCert: &user.ClientCertificateData,
		files.AdminKey:  &user.ClientKeyData,
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("writing the kubeconfig: %w", err)
		}
		*field = data
	}
	config.Clusters["embedded"], config.AuthInfos["admin"] = cluster, user
	config.Contexts["embedded"] = &clientcmdapi.Context{Cluster: "embedded", AuthInfo: "admin"}
	config.CurrentContext = "embedded"
	data, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return replace(kubeconfigFile, data)
}

func replace(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// restConfig is for the parts of this process: binary encoding, no client-side limit.
func restConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfigFile)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	config.UserAgent = "stagegate-controlplane"
	return config, nil
}

// waitReady polls /readyz, which covers the bootstrap of RBAC and system namespaces.
func waitReady(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	var last error
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		var status int
		last = client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status).Error()
		return last == nil && status == http.StatusOK, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for kube-apiserver: %w", errors.Join(err, last))
	}
	return nil
}

// sharedInformers drop managed fields, which no controller reads and which are a good
// part of every object.
func sharedInformers(config *rest.Config) (informers.SharedInformerFactory, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(stripManagedFields)), nil
}

func stripManagedFields(obj any) (any, error) {
	if object, err := meta.Accessor(obj); err == nil {
		object.SetManagedFields(nil)
	}
	return obj, nil
}

func writeReady(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	system, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("identifying the cluster: %w", err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("identifying the cluster: %w", err)
	}
	data, err := json.Marshal(Ready{PID: os.Getpid(), UID: string(system.UID), Version: version.GitVersion})
	if err != nil {
		return err
	}
	return replace(readyFile, data)
}

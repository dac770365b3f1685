package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	egressSocket = "egress.sock"
	egressConfig = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: ` + egressSocket + "\n"
	refusal = "503 pods of an embedded cluster are simulated and serve nothing"
)

// BlockEgress keeps what the API server sends to pods, services and nodes (webhooks by
// service, aggregated APIs, exec, logs) off the machine's real network: the addresses
// of a simulated cluster may belong to somebody else there. It returns the path of the
// egress selector configuration, whose proxy refuses at once and says why. The socket
// is relative to the working directory.
func BlockEgress(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "egress.yaml")
	if err := os.WriteFile(path, []byte(egressConfig), 0o600); err != nil {
		return "", fmt.Errorf("blocking egress: %w", err)
	}
	if err := os.Remove(egressSocket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("blocking egress: %w", err)
	}
	listener, err := net.Listen("unix", egressSocket)
	if err != nil {
		return "", fmt.Errorf("blocking egress: %w", err)
	}
	proxy := &http.Server{Handler: http.HandlerFunc(refuse), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { proxy.Close() })
	go func() { _ = proxy.Serve(listener) }() // ends when closed above
	return path, nil
}

// refuse writes the status line itself: it is the only part that the API server repeats.
func refuse(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, refusal, http.StatusServiceUnavailable)
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", refusal)
}

package simulate

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

const (
	defaultClass  = "standard"
	provisioner   = "stagegate.dev/simulated"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
)

// volumes provisions for claims of every storage class that exists, whichever its
// provisioner, and takes away the volumes of claims that are gone. A claim whose class
// does not exist stays pending, as it would anywhere.
type volumes struct {
	client  kubernetes.Interface
	claims  corev1listers.PersistentVolumeClaimLister
	volumes corev1listers.PersistentVolumeLister
	classes storagelisters.StorageClassLister
}

func startVolumes(ctx context.Context, client kubernetes.Interface, shared informers.SharedInformerFactory) error {
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name:        defaultClass,
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: provisioner,
	}
	if _, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	core, classes := shared.Core().V1(), shared.Storage().V1().StorageClasses()
	v := &volumes{
		client: client, claims: core.PersistentVolumeClaims().Lister(),
		volumes: core.PersistentVolumes().Lister(), classes: classes.Lister(),
	}
	classes.Informer()
	return errors.Join(
		reconcile(ctx, core.PersistentVolumeClaims().Informer(), v.provision),
		reconcile(ctx, core.PersistentVolumes().Informer(), v.reclaim))
}

func (v *volumes) provision(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return nil
	}
	claim, err := v.claims.PersistentVolumeClaims(namespace).Get(name)
	if err != nil || claim.DeletionTimestamp != nil || claim.Status.Phase == corev1.ClaimBound {
		return v.reclaimFor(ctx, namespace, name)
	}
	if ptr.Deref(claim.Spec.StorageClassName, "") == "" {
		return nil // to be bound by hand
	}
	class, err := v.classes.Get(*claim.Spec.StorageClassName)
	if err != nil {
		return err
	}
	volume := volumeFor(claim, class)
	created, err := v.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if err == nil {
		created.Status.Phase = corev1.VolumeBound
		_, err = v.client.CoreV1().PersistentVolumes().UpdateStatus(ctx, created, metav1.UpdateOptions{})
	}
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return v.bindClaim(ctx, claim.DeepCopy(), volume.Name)
}

func (v *volumes) bindClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim, volume string) error {
	claims := v.client.CoreV1().PersistentVolumeClaims(claim.Namespace)
	if claim.Spec.VolumeName == "" {
		claim.Spec.VolumeName = volume
		updated, err := claims.Update(ctx, claim, metav1.UpdateOptions{})
		if err != nil {
			return err
		}
		claim = updated
	}
	claim.Status.Phase = corev1.ClaimBound
	claim.Status.AccessModes = claim.Spec.AccessModes
	claim.Status.Capacity = claim.Spec.Resources.Requests
	_, err := claims.UpdateStatus(ctx, claim, metav1.UpdateOptions{})
	return err
}

func volumeFor(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "pvc-" + string(claim.UID),
			Annotations: map[string]string{provisionedBy: provisioner},
		},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      claim.Spec.Resources.Requests,
			StorageClassName:              class.Name,
			VolumeMode:                    claim.Spec.VolumeMode,
			PersistentVolumeReclaimPolicy: ptr.Deref(class.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete),
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: "/simulated/" + string(claim.UID)},
			},
		},
	}
}

// reclaim looks at one volume: it is released, or deleted, once its claim is gone.
func (v *volumes) reclaim(ctx context.Context, name string) error {
	volume, err := v.volumes.Get(name)
	if err != nil || volume.DeletionTimestamp != nil || volume.Annotations[provisionedBy] != provisioner {
		return nil
	}
	ref := volume.Spec.ClaimRef
	claim, err := v.claims.PersistentVolumeClaims(ref.Namespace).Get(ref.Name)
	if err == nil && claim.UID == ref.UID {
		return nil
	}
	// The cache may be behind: a claim that is new and a volume that is newer.
	claim, err = v.client.CoreV1().PersistentVolumeClaims(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	switch {
	case err == nil && claim.UID == ref.UID:
		return nil
	case err != nil && !apierrors.IsNotFound(err):
		return err
	}
	if volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete {
		err := v.client.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{})
		return ignoreNotFound(err)
	}
	if volume.Status.Phase == corev1.VolumeReleased {
		return nil
	}
	update := volume.DeepCopy()
	update.Status.Phase = corev1.VolumeReleased
	_, err = v.client.CoreV1().PersistentVolumes().UpdateStatus(ctx, update, metav1.UpdateOptions{})
	return err
}

// reclaimFor looks at the volumes of a claim that changed or went.
func (v *volumes) reclaimFor(ctx context.Context, namespace, name string) error {
	all, err := v.volumes.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, volume := range all {
		if ref := volume.Spec.ClaimRef; ref != nil && ref.Namespace == namespace && ref.Name == name {
			if err := v.reclaim(ctx, volume.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

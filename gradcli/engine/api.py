"""The public transformations in one place, with JAX's names and signatures."""

from gradcli.engine.autodiff import grad as grad
from gradcli.engine.autodiff import jvp as jvp
from gradcli.engine.autodiff import linearize as linearize
from gradcli.engine.autodiff import stop_gradient as stop_gradient
from gradcli.engine.autodiff import value_and_grad as value_and_grad
from gradcli.engine.autodiff import vjp as vjp
from gradcli.engine.custom import custom_jvp as custom_jvp
from gradcli.engine.custom import custom_vjp as custom_vjp
from gradcli.engine.jacobian import hessian as hessian
from gradcli.engine.jacobian import jacfwd as jacfwd
from gradcli.engine.jacobian import jacobian as jacobian
from gradcli.engine.jacobian import jacrev as jacrev
from gradcli.engine.jit import jit as jit
from gradcli.engine.numeric import check_grads as check_grads
from gradcli.engine.staging import ShapeDtypeStruct as ShapeDtypeStruct
from gradcli.engine.staging import eval_shape as eval_shape
from gradcli.engine.staging import make_jaxpr as make_jaxpr
from gradcli.engine.vmap import pmap as pmap
from gradcli.engine.vmap import vmap as vmap

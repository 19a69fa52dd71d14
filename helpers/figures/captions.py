"""The caption of every figure, in Spanish, written once.

Used by the index, the report, the slides and the reading copies.
"""

from typing import NamedTuple


class Caption(NamedTuple):
    """What kind of drawing a figure is, and how to read it.

    No numbers: those are in the figure's own title, which a run writes.
    """

    kind: str
    text: str


# One entry a figure, in the order of the notebooks; the pipeline expects each from the notebook with the same
# number.
CAPTIONS = {
    "01_longitudes": Caption(
        "Histogramas",
        "Longitud de los textos en palabras y en tokens BPE, un panel por clase de texto: las páginas, los "
        "pasajes en que se cortan y los textos con que se examina. La última barra reúne los más largos.",
    ),
    "01_zipf": Caption(
        "Curvas",
        "A la izquierda, cuántas veces aparece cada palabra según su rango, con la recta ajustada de la ley "
        "de Zipf (ambos ejes logarítmicos). A la derecha, cuántas palabras distintas se han visto al avanzar "
        "la lectura.",
    ),
    "01_fuga": Caption(
        "Barras horizontales",
        "Fuga de etiquetas antes y después de tapar los nombres: textos que nombran su enfermedad y "
        "aciertos de un adivino que sólo compara nombres, sin haber entrenado con ninguna página.",
    ),
    "01_protocolos": Caption(
        "Cuadrículas",
        "Maneras de repartir las mismas páginas; cada renglón es una enfermedad, de una muestra de ellas, y"
        " cada cuadro, un texto (si son muchos, una parte). Por páginas, una enfermedad de prueba no deja "
        "nada en entrenamiento; por fragmentos, cada página tiene oraciones en los tres lados; con relatos,"
        " toda la página entrena y examinan textos de otros autores.",
    ),
    "01_examen": Caption(
        "Puntos con intervalos",
        "Exactitud de los dos modelos que cuentan palabras según el examen: páginas de enfermedades no "
        "vistas, una oración de una página conocida, varias leídas juntas, y el relato de un paciente.",
    ),
    "02_uniones": Caption(
        "Tabla dibujada",
        "Cómo arma BPE una palabra: parte de los bytes y en cada renglón une, de los pares de piezas "
        "contiguas, el que aprendió primero (en amarillo).",
    ),
    "02_fragmentacion": Caption(
        "Cajas de texto",
        "El mismo texto de validación, cortado por los dos tokenizadores: una caja por token y, en "
        "salmón, las palabras que el de palabras no conoce.",
    ),
    "02_lotes": Caption(
        "Barras horizontales por lotes",
        "Tres hábitos de relleno con lotes de igual número de pasajes: al más largo de todos, al más largo "
        "del lote y lotes de longitudes parecidas. En azul, los tokens; en salmón, el relleno.",
    ),
    "02_mascara": Caption(
        "Curvas",
        "Parte de los textos de validación que reciben la misma respuesta al alargar el relleno: con máscara "
        "de relleno y, con los mismos pesos, sin ella.",
    ),
    "02_consulta": Caption(
        "Mapa de color",
        "La capa de embedding es una consulta: multiplicar un vector con un solo uno por la matriz equivale "
        "a tomar un renglón.",
    ),
    "02_embedding": Caption(
        "Dos nubes de puntos",
        "Vectores de palabras de cuatro temas, elegidas a mano, proyectados a dos dimensiones: los que "
        "aprendió la BiLSTM desde cero y los de la base preentrenada.",
    ),
    "03_desenrollada": Caption(
        "Diagrama",
        "La BiLSTM desenrollada sobre el principio de un texto: dos celdas, una por sentido, usadas una vez "
        "por palabra. "
        "A la capa densa sólo llega el último estado de cada lectura.",
    ),
    "03_primer_intento": Caption(
        "Curva",
        "El primer intento, reproducido con la partición por páginas: la exactitud en entrenamiento por "
        "época y, al terminar, la de prueba.",
    ),
    "03_perillas": Caption(
        "Puntos en líneas",
        "MRR en validación de la BiLSTM mejorada al cambiar un solo hiperparámetro cada vez (primera "
        "semilla, la mitad de las épocas); la línea vertical es la red sin cambios y la banda, lo que puede "
        "ser ruido.",
    ),
    "03_tres_medidas": Caption(
        "Tres curvas",
        "Pérdida, exactitud y perplejidad de clase de las dos BiLSTM, una línea por semilla; la "
        "discontinua es el entrenamiento, la continua, la validación, y la punteada, el azar.",
    ),
    "04_sospechosos": Caption(
        "Puntos emparejados",
        "Cada sospechoso de las notas, puesto a prueba con la partición por páginas: el círculo hueco es la "
        "exactitud en entrenamiento y el lleno, en prueba.",
    ),
    "04_reparacion": Caption(
        "Barras horizontales",
        "Los mismos modelos antes y después de cambiar la partición; arriba de cada panel, la exactitud que "
        "ningún clasificador que sólo responda etiquetas vistas puede superar.",
    ),
    "05_carriles": Caption(
        "Diagrama",
        "La misma red con dos puntos de partida. En el carril de arriba, los pesos son números al azar; en "
        "el de abajo, los que quedaron después de leer. La arquitectura, los pasajes, los valores que se "
        "prueban, las épocas y el examen son iguales; cada carril elige entre esos valores el suyo.",
    ),
    "05_preentrenamiento": Caption(
        "Curva",
        "Bits por byte de la base en texto apartado mientras se preentrena, junto a dos compresores y dos "
        "modelos que cuentan. En la zona sombreada, la tasa de aprendizaje baja hasta cero.",
    ),
    "05_atencion": Caption(
        "Dos mapas de color",
        "Pesos de atención de la base en el principio de un texto de validación: la cabeza que mira "
        "más cerca y, de la última capa, la que más mira al primer token. Cada renglón es un token y "
        "reparte un total de uno.",
    ),
    "05_a_la_vista": Caption(
        "Dos curvas",
        "Pérdida de entrenamiento, paso a paso, de la misma red sobre los mismos pasajes: con pesos al azar "
        "y con los de la base. Punteado, repartir por igual.",
    ),
    "05_curvas": Caption(
        "Curvas",
        "Los tres entrenamientos de GPT-2, una línea por semilla: a la izquierda, la pérdida (discontinua, "
        "entrenamiento; continua, validación; punteada, el azar); a la derecha, la exactitud en validación.",
    ),
    "05_respuesta": Caption(
        "Puntos con intervalos",
        "Exactitud en prueba de cada punto de partida, y de la BiLSTM mejorada, con su intervalo del 95 %; "
        "la línea punteada es el azar y la discontinua, quien sólo cuenta palabras.",
    ),
    "06_comparacion": Caption(
        "Intervalos",
        "Exactitud en prueba de cada modelo, con el intervalo del 95 % que sale de volver a sortear "
        "enfermedades y semillas. La línea punteada es el azar.",
    ),
    "06_diferencias": Caption(
        "Intervalos",
        "Diferencias de exactitud sobre las mismas filas de prueba, en puntos porcentuales. Lleno, el par "
        "cuyo intervalo excluye el cero; hueco, el que lo incluye.",
    ),
    "06_palabras": Caption(
        "Curvas con bandas",
        "Exactitud según la parte de las palabras del texto que está en la página de su enfermedad, por "
        "cuartos de la prueba; las bandas son intervalos del 95 %.",
    ),
    "06_dosis": Caption(
        "Curva con banda",
        "Exactitud del ajuste fino según los tokens que su base había leído (eje logarítmico); la banda es "
        "el intervalo del 95 %. Sobre el eje, los bits por byte de cada base en texto apartado. "
        "Discontinua, la misma red sin haber leído nada; hueco, SmolLM2, que es de otro tamaño, y debajo, "
        "en discontinua, la misma red sin haber leído nada, si se entrenó.",
    ),
    "06_eficiencia": Caption(
        "Curvas con bandas",
        "Exactitud en prueba según los pasajes de entrenamiento por enfermedad (eje logarítmico); las bandas "
        "son intervalos del 95 %.",
    ),
    "06_no_vistas": Caption(
        "Intervalos",
        "Relatos de enfermedades de las que no se vio ningún pasaje: MRR del nombre verdadero entre todos "
        "los nombres. Debajo de la raya, el adivino, que sólo compara letras; punteado, el azar.",
    ),
    "06_mapa": Caption(
        "Nubes de puntos",
        "Los textos de prueba según los ve cada modelo (t-SNE): en color, tantos grupos como colores se "
        "distinguen, los de más textos primero; en gris, los demás. El porcentaje es la parte de los "
        "vecinos más cercanos de otra enfermedad que es del mismo grupo.",
    ),
    "07_calibracion": Caption(
        "Pares de puntos",
        "Error de calibración (ECE) en prueba, sin temperatura y con la temperatura que eligió la "
        "validación; a la derecha, la perplejidad de clase con ella. Menos es mejor.",
    ),
    "07_atribuciones": Caption(
        "Textos coloreados",
        "Gradientes integrados del modelo con ajuste fino: en el texto de validación que se sigue (con el "
        "lugar en que pone la enfermedad correcta) y en dos de prueba que acierta. En rojo, los tokens a "
        "favor de la correcta; en azul, en contra.",
    ),
    "07_costo": Caption(
        "Nube de puntos",
        "Exactitud en prueba contra los segundos de un entrenamiento (eje logarítmico); arriba y a la "
        "izquierda es mejor.",
    ),
}


def alt(name: str, finding: str) -> str:
    """Text in place of the figure: the kind of drawing, what it found, how to read it.

    finding: the title that a run gave the figure.
    """
    caption = CAPTIONS[name]
    return " ".join(stopped(part) for part in (caption.kind, finding, caption.text) if part)


def stopped(sentence: str) -> str:
    """A sentence with its full stop, which a question or an exclamation does without."""
    return sentence if sentence.endswith(("?", "!")) else f"{sentence.rstrip('.')}."
